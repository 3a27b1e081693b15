"""`codegen diff` calls a change breaking if, and only if, an old caller breaks: one type-checked, or one that runs.

All kinds of change are generated into one package, so that mypy runs once.
"""

from __future__ import annotations

import copy
import importlib
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from changes import CASES
from old_callers import Package, run, typed_caller

from codegen.contract import Contract
from codegen.generate import render
from codegen.reading import read

ROOT = Path(__file__).resolve().parents[2]
SHOP = read((Path(__file__).parent / "shop.yaml").read_bytes()).value


def generated(name: str, document: dict[str, Any]) -> dict[str, str]:
    """Code of a contract, as the package `faces.<name>`."""
    files = render(Contract(api=name, source="openapi/shop.yaml", document=document, sha256=""))
    return {f"{name}/{path}": text.replace("wren_async._generated", "faces") for path, text in files.items()}


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def imported(name: str, files: dict[str, str]) -> Package:
    stems = [Path(path).stem for path in files if "/operations/" in path and "__init__" not in path]
    operations = {stem: importlib.import_module(f"faces.{name}.operations.{stem}") for stem in stems}
    return Package(importlib.import_module(f"faces.{name}.models"), operations, files)


def mypy(folder: Path) -> dict[str, list[str]]:
    """What mypy says of each caller."""
    options = ["--strict", "--no-error-summary", "--config-file=", "--follow-imports=silent", "--cache-dir=.cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "callers"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, list[str]] = defaultdict(list)
    assert not done.stderr, done.stderr
    for line in done.stdout.splitlines():
        found[Path(line.partition(":")[0]).stem].append(line)
    return found


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [each for each in sys.modules if each.partition(".")[0] == "faces"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


@pytest.mark.parametrize("half", [0, 1])
def test_the_verdict_agrees_with_old_callers(faces: Path, half: int) -> None:
    shop = generated("shop", copy.deepcopy(SHOP))
    cases = {f"c{number}": case for number, case in enumerate(CASES) if number % 2 == half}
    code = {"shop": shop, **{name: generated(name, case.apply(SHOP)) for name, case in cases.items()}}
    same = [name for name, files in code.items() if name != "shop" and without_prose(files) == without_prose(shop)]
    for name in code.keys() - same:
        write(faces / "faces", code[name])
        write(faces / "callers", {f"{name}.py": typed_caller(shop, f"faces.{name}")})
    typed = mypy(faces)
    old = imported("shop", shop)
    assert typed["shop"] == [] == run(old, old)
    wrong = []
    for name, case in cases.items():
        broken = [] if name in same else [*typed[name], *run(old, imported(name, code[name]))]
        if bool(broken) != (case.verdict == "breaking"):
            wrong.append(f"{case.name} is {case.verdict}, but the old callers say: {broken or 'all is well'}")
    assert wrong == [], "\n".join(wrong)


def without_prose(files: dict[str, str]) -> list[str]:
    """Code without comments and docstrings, by which no caller can tell two versions apart."""
    plain = (re.sub(r'"""(?:.|\n)*?"""|^#.*$|faces\.\w+', "", text, flags=re.M) for text in files.values())
    return sorted(plain)
