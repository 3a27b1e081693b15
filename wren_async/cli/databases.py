"""Whether a command is about a batch in a database, or one in a file. Nothing of either is loaded to tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

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
