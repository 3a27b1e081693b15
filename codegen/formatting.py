"""Formatting of generated files with a pinned ruff that reads no settings."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from codegen.parsed import GenerationFailed

RUFF: Final = "0.17.5"
ALONE: Final = ("--isolated", "--no-cache", "--quiet", "--target-version", "py311", "--line-length", "120")
FIRST_PARTY: Final = 'lint.isort.known-first-party = ["wren_async"]'


def tidy(files: dict[str, str]) -> dict[str, str]:
    """Drop unused imports, sort the rest, format. Templates may thus import whatever they might need."""
    return _through(files, ("check", "--fix", "--select", "F401,I", "--config", FIRST_PARTY), ("format",))


def laid_out(files: dict[str, str]) -> dict[str, str]:
    """The same code as the formatter writes it."""
    return _through(files, ("format",))


def _through(files: dict[str, str], *commands: tuple[str, ...]) -> dict[str, str]:
    if (found := version("ruff")) != RUFF:
        raise GenerationFailed(f"needs ruff {RUFF}, found {found}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        for command in commands:
            _ruff(root, *command)
        return {path: (root / path).read_text(encoding="utf-8") for path in files}


def _ruff(root: Path, command: str, *options: str) -> None:
    arguments = [sys.executable, "-m", "ruff", command, *ALONE, *options, "."]
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise GenerationFailed(f"ruff {command} failed:\n{done.stdout}{done.stderr}")
