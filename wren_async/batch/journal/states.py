"""How an order of a batch may go from state to state: one table, from which everything else is made.

The rules that the database enforces, the updates that it carries out, and the refusals that people read follow from
`TRANSITIONS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP
from typing import Final

import attrs

from wren_async.batch.journal.contract import Entry, JournalError, Result, Row, State
from wren_async.errors import InvalidArgument

CRASHED: Final = "the process ended while it was being sent"


@attrs.frozen
class Transition:
    """A step that an order may make."""

    was: State
    becomes: State
    needs_proof: bool = attrs.field(default=False, kw_only=True)
    """Whether it takes a result with `reconciled=True`."""
    forgets_times: bool = attrs.field(default=False, kw_only=True)
    """Whether the times of earlier sendings go, where the result does not tell them: it was proven not to be sent."""


TRANSITIONS: Final[Sequence[Transition]] = (
    Transition(State.PENDING, State.SENDING),
    Transition(State.SENDING, State.PENDING, forgets_times=True),
    Transition(State.SENDING, State.UNDECIDED),
    Transition(State.SENDING, State.PLACED),
    Transition(State.SENDING, State.REFUSED),
    Transition(State.UNDECIDED, State.PENDING, needs_proof=True, forgets_times=True),
    Transition(State.UNDECIDED, State.UNDECIDED),
    Transition(State.UNDECIDED, State.PLACED),
    Transition(State.UNDECIDED, State.REFUSED),
)
"""All steps that an order may make. A state that no step leaves is final."""


def sql(steps: Iterable[Transition], *, was: str, becomes: str) -> str:
    """The condition, in SQL, under which what two columns tell is one of these steps."""
    return " OR ".join(f"{was} = '{step.was}' AND {becomes} = '{step.becomes}'" for step in steps) or "0"


def refusal(position: int, was: State, becomes: State, *, is_proven: bool = False) -> JournalError | None:
    """Why an order may not make a step, or `None` where it may."""
    step = next((step for step in TRANSITIONS if (step.was, step.becomes) == (was, becomes)), None)
    if step is None and becomes is State.SENDING:
        return JournalError(f"order {position} is {was}: only a pending order may be sent")
    if step is None:
        is_final = all(step.was is not was for step in TRANSITIONS)
        remedy = "a settled order is final" if is_final else "mark it as being sent first"
        return JournalError(f"order {position} is {was} and cannot become {becomes}: {remedy}")
    if step.needs_proof and not is_proven:
        return JournalError(
            f"order {position} is {was}: it becomes {becomes} again only when it was proven not to have been placed "
            "(a result with `reconciled=True`)"
        )
    return None


def unknown(position: int) -> JournalError:
    """The error of a position that was never added."""
    return JournalError(f"order {position}: the journal has no such order")


def spent(row: Row, result: Result) -> tuple[int, int]:
    """Cents and grams that count as spent for a placed order; what was not answered counts as planned."""
    cents = row.cents if result.cents is None else result.cents
    grams = answered_grams(result)
    return cents, row.grams if grams is None else grams


def crashed(entry: Entry, now: datetime) -> Result:
    """An order that a process was sending, or reconciling, when it ended. Nothing of it was sent later than now."""
    reason = entry.result.reason if entry.result.state is State.UNDECIDED else CRASHED
    return attrs.evolve(entry.result, state=State.UNDECIDED, reason=reason, last_sent=now)


def answered_grams(result: Result) -> int | None:
    """The answered mass in whole grams, or `None` where the answer told none."""
    if result.kilograms is None:
        return None
    return int((result.kilograms * 1000).to_integral_value(ROUND_HALF_UP))


def check_result(result: Result) -> None:
    """Refuse what is no result, or what no journal could give back as it was. Raises `InvalidArgument`."""
    if result.state is State.SENDING:
        raise InvalidArgument("state", "is no result; `mark_sending()` marks an order as about to be sent")
    for name in ("first_sent", "last_sent"):
        moment: datetime | None = getattr(result, name)
        if moment is not None:
            check_time(name, moment)
    if result.kilograms is not None and not result.kilograms.is_finite():
        raise InvalidArgument("kilograms", "takes a finite number")


def check_time(name: str, moment: datetime) -> None:
    """Refuse a time without a zone. Raises `InvalidArgument`."""
    if moment.utcoffset() is None:
        raise InvalidArgument(name, "takes an aware time: give it a time zone, such as datetime.now(UTC)")
