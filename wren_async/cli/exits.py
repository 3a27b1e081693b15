"""Exit codes: what a script learns of a run. Pure."""

from __future__ import annotations

import enum
from typing import Final

from wren_async.batch.events import Ended, Ending
from wren_async.batch.journal.contract import JournalError, State, Totals
from wren_async.errors import AccessRefused, PaymentRequired, UsageError


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


_BY_ENDING: Final = {
    Ending.ACCESS_REFUSED: Exit.CREDENTIALS,
    Ending.PAYMENT_REQUIRED: Exit.CREDENTIALS,
    Ending.CAP_REACHED: Exit.CAP,
    Ending.TOO_MANY_FAILURES: Exit.CAP,
    Ending.OVERCHARGED: Exit.UNFINISHED,
    Ending.UNREACHABLE: Exit.UNFINISHED,
    Ending.ALARM: Exit.UNFINISHED,
}


def of_run(ended: Ended | None) -> Exit:
    """The code of a run that ended so; `None` is one that was left before its end."""
    if ended is None or ended.ending is Ending.ASKED:
        return Exit.INTERRUPTED
    if ended.ending in _BY_ENDING:
        return _BY_ENDING[ended.ending]
    return of_totals(ended.totals)


def of_totals(totals: Totals) -> Exit:
    """The code of a batch that stands so."""
    number = totals.orders.get
    if number(State.PENDING, 0):
        return Exit.UNFINISHED
    if number(State.UNDECIDED, 0) or number(State.SENDING, 0):
        return Exit.SOME_UNDECIDED
    return Exit.SOME_REFUSED if number(State.REFUSED, 0) else Exit.ALL_PLACED


def of_error(error: Exception) -> Exit:
    """The code of an error that ended a command."""
    if isinstance(error, Stop):
        return error.code
    if isinstance(error, AccessRefused | PaymentRequired):
        return Exit.CREDENTIALS
    return Exit.USAGE if isinstance(error, UsageError | JournalError | OSError) else Exit.UNFINISHED


def broken_off(error: Exception) -> Exit:
    """The code of an error that broke off a run: something may have been sent, whatever the error says of itself."""
    code = of_error(error)
    return Exit.UNFINISHED if code is Exit.USAGE else code


def help_text() -> str:
    """The codes as the help shows them."""
    return "Exit codes:\n\n" + "\n".join(f"- {code.value}: {code.meaning}" for code in Exit)


_MEANINGS: Final = {
    Exit.ALL_PLACED: "all is placed; or the command, which places nothing, did what it should",
    Exit.USAGE: "a mistake in the command, the input, the settings or the journal; nothing was sent",
    Exit.SOME_REFUSED: "nothing is left to do, and some orders were refused",
    Exit.SOME_UNDECIDED: "some orders may or may not have been placed; run again later, or settle them by hand",
    Exit.CAP: "stopped by a cap on money, mass or failures",
    Exit.CREDENTIALS: "stopped because the token was refused (401, 403) or the wallet is empty (402)",
    Exit.UNFINISHED: "stopped for another reason, which was told, with what to do about it",
    Exit.BOOKS_DIFFER: "the books do not agree, or could not be read (report --books)",
    Exit.INTERRUPTED: "stopped by Ctrl-C or SIGTERM; run again to go on",
}
