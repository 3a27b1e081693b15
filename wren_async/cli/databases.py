"""Whether a command is about a batch in a database, or one in a file. Nothing of either is loaded to tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wren_async.cli.exits import Stop

_ANYWHERE: Final = frozenset({"plan", "changes", "run", "resume", "reconcile", "report", "settle"})
_SHARED: Final = frozenset({"status", "pause"})
"""Commands that a journal in a file has not: nobody else is at its batch."""
_SQLITE: Final = b"SQLite format 3\0"


def is_shared(words: Sequence[str]) -> bool:
    """Whether a command line is about a batch in a database: it names one, or the environment does and no journal is
    named."""
    if words[:1] != ["batch"]:
        return False
    command = next((word for word in words[1:2] if not word.startswith("-")), None)
    if command in _SHARED or _names(words, "--database"):
        return True
    if command is not None and command not in _ANYWHERE:
        return False
    is_file = _names(words, "--journal") or any(_is_journal(word) for word in words[2:])
    return bool(os.environ.get("WREN_ASYNC_DATABASE", "").strip()) and not is_file


def _names(words: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _is_journal(word: str) -> bool:
    if word.endswith(".journal"):
        return True
    try:
        with Path(word).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):
        return False


def check_driver() -> None:
    """Raise `Stop` where nothing is installed by which a database could be reached."""
    if find_spec("psycopg") is None:
        raise Stop("what is in a database needs an extra: pip install 'wren-async[postgres]'")
