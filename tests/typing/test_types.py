"""Four type checkers agree with what `reveal.py` says of the public face, and two with `faults.py`; what ty does not
see is listed here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REVEAL = Path(__file__).with_name("reveal.py")
FAULTS = Path(__file__).with_name("faults.py")
PLANTED = re.compile(r" *# type: ignore\[.*\]$")
"""The comment of a line that must be an error."""

TY_REPORTS = [
    'late = Operation(id="late", method="GET", path="/late", answer=order)',
    "assert_type(late.answer, type[Order])",
    "assert_type(await client.send(Call(operation=late)), Order)",
]
"""Good lines that ty takes for errors. All are of an operation made by hand with a `Lazy` answer."""
TY_MISSES = [
    "client.orders.list(limits=5)",
    "wren_async.sync.WrenClient(timeot=3)",
    "await client.orders.create(amount_kg=1, total_price_usd_cents=1)",
    "await client.orders.create(amount_kg=1, amount=1)",
    'await client.orders.get("o1", idempotency_key="k")',
    "client.with_options(timeot=3)",
    "wren.portfolios.list(expandd=True)",
]
"""Errors that ty does not see: it takes unknown names beside `**options: Unpack[...]`. The library refuses them."""


def check(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_mypy_sees_the_public_face_as_it_is_meant() -> None:
    assert check("mypy", "--strict", "--follow-imports=silent", str(REVEAL), str(FAULTS)) == ""


@pytest.mark.slow
def test_pyright_sees_the_public_face_as_it_is_meant() -> None:
    assert check("pyright", "--pythonpath", sys.executable, str(REVEAL), str(FAULTS)) == ""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """`reveal.py` without the comments that silence its planted errors."""
    path = tmp_path / "reveal.py"
    path.write_text("\n".join(PLANTED.sub("", line) for line in REVEAL.read_text().splitlines()))
    return path


def planted() -> set[int]:
    return {number for number, line in enumerate(REVEAL.read_text().splitlines(), 1) if PLANTED.search(line)}


def reported(*command: str) -> set[int]:
    """The lines of `reveal.py` in which a checker finds errors."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {int(number) for number in re.findall(r"reveal\.py:(\d+)", done.stdout)}


def text(lines: set[int]) -> list[str]:
    every = REVEAL.read_text().splitlines()
    return [PLANTED.sub("", every[number - 1]).strip() for number in sorted(lines)]


PYREFLY = (
    *("pyrefly", "check", "--preset", "default", "--python-version", "3.11", "--output-format", "min-text"),
    *("--python-interpreter-path", sys.executable, "--search-path", str(ROOT)),
)
TY = (
    *("ty", "check", "--python", sys.prefix, "--python-version", "3.11", "--output-format", "concise"),
    *("--extra-search-path", str(ROOT)),
)


def test_pyrefly_finds_exactly_the_planted_errors(bare: Path) -> None:
    assert text(reported(*PYREFLY, str(bare)) ^ planted()) == []


def test_ty_finds_the_planted_errors_but_for_what_is_listed(bare: Path) -> None:
    found = reported(*TY, str(bare))
    assert text(found - planted()) == TY_REPORTS
    assert text(planted() - found) == TY_MISSES
