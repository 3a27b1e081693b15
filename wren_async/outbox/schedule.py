"""When an order whose answer was lost is looked for, and when it needs a person. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from wren_async.batch.journal.contract import Result, State

_FIRST: Final = timedelta(seconds=5)
"""An order that was placed mostly shows in the lists by then."""
_AFTER: Final = timedelta(seconds=2)
"""Past the settle time, so that a `Date` in whole seconds does not tell it was missed."""
_AGAIN: Final = timedelta(hours=1)
_PERSON: Final = timedelta(minutes=5)
"""What a look after the settle time may take, before a person is called."""


def next_look(result: Result, looked: datetime | None, settle_time: float) -> datetime | None:
    """When to look for an undecided order next: soon, once its absence can prove something, and then every hour.

    Args:
        result: What is known of the order.
        looked: When it was last looked for.
        settle_time: Seconds after which its absence proves that it was not placed.

    `None` means now.
    """
    if result.last_sent is None or looked is None or looked < result.last_sent:
        return None if result.last_sent is None else result.last_sent + _FIRST
    settled = result.last_sent + timedelta(seconds=settle_time) + _AFTER
    return settled if looked < settled else looked + _AGAIN


def needs_person(result: Result, now: datetime, settle_time: float) -> bool:
    """Whether an order is undecided although it could have been found out by now."""
    if result.state is not State.UNDECIDED:
        return False
    return result.last_sent is None or now > result.last_sent + timedelta(seconds=settle_time) + _AFTER + _PERSON
