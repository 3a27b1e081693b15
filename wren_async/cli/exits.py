"""Exit codes: what a script learns of a command. Nothing is imported, as every help shows them."""

from __future__ import annotations

import enum
from typing import Final


class Exit(enum.IntEnum):
    """How a command ended. Of several that fit a run, the first of 130, 5, 4, 6, 3, 2, 0 is taken."""

    ALL_PLACED = 0
    USAGE = 1
    SOME_REFUSED = 2
    SOME_UNDECIDED = 3
    CAP = 4
    CREDENTIALS = 5
    UNFINISHED = 6
    BOOKS_DIFFER = 7
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What it tells a script."""
        return _MEANINGS[self]


class Stop(Exception):
    """A command that cannot go on: what to say, and how to exit."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.code = code


def help_text() -> str:
    """The codes as the help shows them."""
    return "Exit codes:\n\n" + "\n".join(f"- {code.value}: {code.meaning}" for code in Exit)


_MEANINGS: Final = {
    Exit.ALL_PLACED: "all is placed; or the command, which places no batch, did what it should",
    Exit.USAGE: "a mistake in the command, the input, the settings or the journal; nothing was sent",
    Exit.SOME_REFUSED: (
        "the server refused what was asked of it; of a batch: nothing is left to do, and some orders were refused"
    ),
    Exit.SOME_UNDECIDED: (
        "outcome unknown: it may or may not have been carried out, and the command that finds out was told; of a "
        "batch: run again later, or settle the orders in doubt by hand"
    ),
    Exit.CAP: "stopped by a cap on money, mass or failures",
    Exit.CREDENTIALS: "stopped because the token was refused (401, 403) or the wallet is empty (402)",
    Exit.UNFINISHED: "stopped for another reason, which was told, with what to do about it",
    Exit.BOOKS_DIFFER: "the books do not agree, or could not be read (report --books)",
    Exit.INTERRUPTED: "stopped by Ctrl-C or SIGTERM; of a batch: run again to go on",
}
