"""When orders whose answer was lost are looked for, and when one needs a person. Pure: the caller brings the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from wren_async.batch.journal.contract import Result, State

_FIRST: Final = timedelta(seconds=5)
"""An order that was placed mostly shows in the lists by then."""
_AFTER: Final = timedelta(seconds=2)
"""Past the settle time, so that a `Date` in whole seconds does not tell it was missed."""
_AGAIN: Final = timedelta(hours=1)
_WRONG: Final = timedelta(hours=1)
"""A time that is further ahead was told by a clock that was wrong, and has been set right since."""
_PERSON: Final = timedelta(minutes=5)
"""What a look after the settle time may take, before a person is called."""


def next_look(result: Result, looked: datetime | None, settle_time: float, now: datetime) -> datetime | None:
    """When to look for an undecided order next: soon, once its absence can prove something, and then every hour.

    Args:
        result: What is known of the order.
        looked: When it was last looked for.
        settle_time: Seconds after which its absence proves that it was not placed.
        now: The present. Of an order that was sent long after it nobody knows when it was sent.

    `None` means now.
    """
    if _is_ahead(result, now):
        return None if looked is None else looked + _AGAIN
    if result.last_sent is None or looked is None or looked < result.last_sent:
        return None if result.last_sent is None else result.last_sent + _FIRST
    settled = result.last_sent + timedelta(seconds=settle_time) + _AFTER
    return settled if looked < settled else looked + _AGAIN


def needs_person(result: Result, now: datetime, settle_time: float) -> bool:
    """Whether an order is undecided although it could have been found out by now."""
    if result.state is not State.UNDECIDED:
        return False
    if result.last_sent is None or _is_ahead(result, now):
        return True
    return now > result.last_sent + timedelta(seconds=settle_time) + _AFTER + _PERSON


def _is_ahead(result: Result, now: datetime) -> bool:
    return result.last_sent is not None and result.last_sent > now + _WRONG


@attrs.define
class Looks:
    """When the undecided orders of an API are looked for next."""

    settle_time: float
    _looked: datetime | None = None
    _at: datetime | None = None

    def looked(self, now: datetime) -> None:
        """All of them were looked for just now. Those that are undecided still are added again."""
        self._looked, self._at = now, None

    def count_anew(self) -> None:
        """All that are undecided are added again."""
        self._at = None

    def add(self, result: Result, now: datetime) -> None:
        """Look for an undecided order too."""
        if self._looked is not None and self._looked > now:
            # The clock was ahead then, and has been set right since.
            self._looked = now
        at = next_look(result, self._looked, self.settle_time, now) or now
        self._at = at if self._at is None else min(self._at, at)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look. It is, too, where the time was found by a clock that has been set right since."""
        if self._at is None:
            return False
        furthest = max(_AGAIN, timedelta(seconds=self.settle_time)) + _WRONG
        return not now < self._at <= now + furthest

    def seconds(self, now: datetime) -> float | None:
        """Seconds until it is time, or until the clock is looked at again; `None` while nothing is undecided."""
        return None if self._at is None else min(_AGAIN, max(timedelta(0), self._at - now)).total_seconds()
