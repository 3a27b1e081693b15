"""Which exit code a run, a batch or an error has. Pure."""

from __future__ import annotations

from typing import Final

from wren_async.batch.events import Ended, Ending
from wren_async.batch.journal.contract import JournalError, State, Totals
from wren_async.cli.exits import Exit, Stop
from wren_async.errors import AccessRefused, PaymentRequired, UsageError

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
