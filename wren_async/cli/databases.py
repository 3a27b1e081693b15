"""Whether a command is about a batch in a database, or one in a file. Nothing of either is loaded to tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from wren_async.cli.exits import Stop

_COMMANDS: Final = frozenset({"plan", "run", "status", "pause", "resume", "report", "settle"})


def is_shared(words: Sequence[str]) -> bool:
    """Whether a command line is about a batch in a database: it names one, or the environment does and no journal is
    named."""
    if words[:1] != ["batch"] or not _COMMANDS & set(words[1:2]):
        return False
    if any(word == "--database" or word.startswith("--database=") for word in words):
        return True
    is_named = any(word == "--journal" or word.startswith("--journal=") for word in words)
    is_file = any(word.endswith(".journal") for word in words[2:])
    return bool(os.environ.get("WREN_ASYNC_DATABASE", "").strip()) and not is_named and not is_file


def check_driver() -> None:
    """Raise `Stop` where nothing is installed by which a database could be reached."""
    if find_spec("psycopg") is None:
        raise Stop("what is in a database needs an extra: pip install 'wren-async[postgres]'")
