"""How an order of a batch may move from state to state, and what each move leaves on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP
from typing import Final

import attrs

from wren_async.batch.journal.contract import JournalError, Result, Row, State
from wren_async.errors import InvalidArgument

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.PENDING: frozenset({State.SENDING}),
    State.SENDING: frozenset({State.PENDING, State.UNDECIDED, State.PLACED, State.REFUSED}),
    State.UNDECIDED: frozenset({State.PENDING, State.UNDECIDED, State.PLACED, State.REFUSED}),
    State.PLACED: frozenset(),
    State.REFUSED: frozenset(),
}
"""What an order may become, by its state. The triggers of the database are made from this."""
NEEDS_PROOF: Final = (State.UNDECIDED, State.PENDING)
"""The transition that only a result with `reconciled=True` may make."""


def objection(position: int, was: State, result: Result) -> JournalError | None:
    """Why an order may not be settled so, or `None` where it may."""
    becomes = result.state
    if becomes is State.SENDING or becomes not in TRANSITIONS[was]:
        remedy = "mark it as being sent first" if TRANSITIONS[was] else "a settled order is final"
        return JournalError(f"order {position} is {was} and cannot become {becomes}: {remedy}")
    if (was, becomes) == NEEDS_PROOF and not result.reconciled:
        return JournalError(
            f"order {position} is undecided: it becomes pending again only when it was proven not to have been placed "
            "(a result with `reconciled=True`)"
        )
    return None


def unsendable(position: int, was: State) -> JournalError | None:
    """Why an order may not be marked as about to be sent, or `None` where it may."""
    if State.SENDING in TRANSITIONS[was]:
        return None
    return JournalError(f"order {position} is {was}: only a pending order may be sent")


def unknown(position: int) -> JournalError:
    """The error of a position that was never taken in."""
    return JournalError(f"order {position}: the journal has no such order")


def marked(was: Result, at: datetime) -> Result:
    """The record of an order that is about to be sent at this time."""
    return attrs.evolve(
        was,
        state=State.SENDING,
        replayed=False,
        reconciled=False,
        reason=None,
        first_sent=was.first_sent or at,
        last_sent=at,
    )


def settled(was: Result, result: Result) -> Result:
    """The record after a result: the result, with the times of sending kept where it does not tell them.

    An order that is pending again has only the times that its result tells.
    """
    if result.state is State.PENDING:
        return result
    return attrs.evolve(
        result, first_sent=result.first_sent or was.first_sent, last_sent=result.last_sent or was.last_sent
    )


def spent(row: Row, result: Result) -> tuple[int, int]:
    """Cents and grams that count as spent for a placed order; what was not answered counts as planned."""
    cents = row.cents if result.cents is None else result.cents
    grams = answered_grams(result)
    return cents, row.grams if grams is None else grams


def answered_grams(result: Result) -> int | None:
    """The answered mass in whole grams, or `None` where the answer told none."""
    if result.kilograms is None:
        return None
    return int((result.kilograms * 1000).to_integral_value(ROUND_HALF_UP))


def check_result(result: Result) -> None:
    """Refuse what is no result, or what no store could give back as it was."""
    if result.state is State.SENDING:
        raise InvalidArgument("state", "is no result; `sending()` marks an order as being sent")
    for name in ("first_sent", "last_sent"):
        moment: datetime | None = getattr(result, name)
        if moment is not None:
            check_time(name, moment)
    if result.kilograms is not None and not result.kilograms.is_finite():
        raise InvalidArgument("kilograms", "takes a finite number")


def check_time(name: str, moment: datetime) -> None:
    """Refuse a time without a zone."""
    if moment.utcoffset() is None:
        raise InvalidArgument(name, "takes an aware time: give it a time zone, such as datetime.now(UTC)")
