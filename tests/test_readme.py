"""Every code block of the README runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from wren_async.sandbox import Sandbox

ROOT = Path(__file__).parent.parent


class Block(NamedTuple):
    language: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*each) for each in found]


def commands() -> list[str]:
    return [line for block in blocks() if block.language == "sh" for line in block.text.splitlines()]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with Sandbox() as sandbox:
        yield {
            **os.environ,
            "WREN_API_TOKEN": sandbox.wren.live_token,
            "WREN_BASE_URL": sandbox.wren.base_url,
            "CNAUGHT_API_KEY": sandbox.cnaught.api_key,
            "CNAUGHT_BASE_URL": sandbox.cnaught.base_url,
            "PYTHONWARNINGS": "error",
        }


def run(command: list[str], environment: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", [block for block in blocks() if block.language == "python"])
def test_the_python_blocks_run_against_the_sandbox(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    assert run([sys.executable, "-c", block.text], environment, tmp_path)


def test_there_is_a_block_of_twenty_lines_for_each_api() -> None:
    texts = [block.text for block in blocks() if block.language == "python"]
    assert len([text for text in texts if len(text.splitlines()) >= 20]) >= 2


def test_the_commands_are_the_ones_that_are_shown_to_work() -> None:
    others = [line for line in commands() if not line.startswith("wren-async ")]
    assert set(others) == {"make run", "make test", "python -m wren_async.sandbox"}


@pytest.mark.parametrize(
    "line", [line for line in commands() if line.startswith(("wren-async wren", "wren-async cnaught"))]
)
def test_the_commands_of_operations_run_against_the_sandbox(line: str, environment: dict[str, str]) -> None:
    assert "cents" in run([sys.executable, "-m", "wren_async.cli", *shlex.split(line)[1:]], environment).lower()


def test_the_batch_commands_place_and_report_the_rides(environment: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for line in batch_commands():
        shown = run([sys.executable, "-m", "wren_async.cli", *shlex.split(line)[1:]], environment, tmp_path)
        assert "40" in shown
    assert "All 40 orders were placed." in (tmp_path / "rides.html").read_text()
    assert len((tmp_path / "rides.csv").read_text().splitlines()) == 41


def batch_commands() -> list[str]:
    return [line for line in commands() if line.startswith("wren-async batch ")]


@pytest.mark.parametrize("target", ["run", "test"])
def test_the_make_targets_exist(target: str) -> None:
    assert run(["make", "--dry-run", "--assume-old=.venv", target])


def test_make_run_shows_what_was_bought_and_refused() -> None:
    shown = run([sys.executable, "examples/place_orders.py", "examples/orders.csv"])
    assert "26 orders for $" in shown
    assert re.search(r"Refused\n.*\n\s+R-1024\s+cnaught\.price\s+.*buys less than a kilogram", shown)
    assert "CNaught orders, 5 a page" in shown
