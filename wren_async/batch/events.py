"""What a run tells while it goes on."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol, TypeAlias

import attrs

from wren_async.batch.journal.contract import Entry, Totals


class Ending(enum.StrEnum):
    """Why a run ended."""

    DONE = "done"
    """Nothing is left that could be sent. Some orders may be undecided."""
    ASKED = "asked"
    """`stop()` was called."""
    ACCESS_REFUSED = "access_refused"
    """401 or 403."""
    PAYMENT_REQUIRED = "payment_required"
    """402: the wallet holds less than the next order costs."""
    CAP_REACHED = "cap_reached"
    """The next order would exceed a cap on money or mass."""
    TOO_MANY_FAILURES = "too_many_failures"
    OVERCHARGED = "overcharged"
    """An order cost more than the plan expected."""
    UNREACHABLE = "unreachable"
    """Nothing could be sent for a while, or the server only asked for pauses."""
    ALARM = "alarm"
    """The server knew an order that this journal had never sent."""


@attrs.frozen(kw_only=True)
class Settled:
    """An order was placed or refused, or is undecided."""

    entry: Entry


@attrs.frozen(kw_only=True)
class Returned:
    """An order is pending again: it is proven that it was not placed."""

    entry: Entry
    reason: str


@attrs.frozen(kw_only=True)
class Paused:
    """The server asked for a pause, and everyone makes it."""

    seconds: float
    """How long it lasts, from now on."""


@attrs.frozen(kw_only=True)
class Alarm:
    """Something that must not happen, for a person to look into."""

    entry: Entry
    message: str


@attrs.frozen(kw_only=True)
class Progress:
    """How far the batch is. Told now and then."""

    totals: Totals
    in_flight: int
    """Orders on the wire."""
    limit: int
    """Orders that may be on the wire at once, now."""
    seconds: float
    """Since the run began."""
    rate: float
    """Orders settled a second, of late."""
    seconds_left: float | None
    """At this rate; `None` while there is none."""


@attrs.frozen(kw_only=True)
class Planning:
    """How far the planning is. Told now and then."""

    rows: int
    """Rows of the input read so far, good and bad."""
    checking: bool
    """Whether a file is being looked through for faults, before it is read once more and priced."""
    questions: int
    """Prices that were asked for."""


@attrs.frozen(kw_only=True)
class Ended:
    """The run is over. Always the last event."""

    ending: Ending
    message: str
    totals: Totals


Event: TypeAlias = Settled | Returned | Paused | Alarm | Progress | Planning | Ended
"""What a run tells; `Planning` is what a planning tells."""


@attrs.define
class Meter:
    """Measures how fast orders are settled: over a sliding stretch of time, so that pauses show."""

    began: float
    stretch: float = 30.0
    """Seconds over which the rate is measured."""
    settled: int = 0
    _marks: list[tuple[float, int]] = attrs.field(factory=list[tuple[float, int]])

    def rate(self, now: float) -> float:
        """Orders a second, of late."""
        self._marks = [mark for mark in self._marks if mark[0] >= now - self.stretch] or [(self.began, 0)]
        since, count = self._marks[0]
        rate = (self.settled - count) / (now - since) if now > since else 0.0
        self._marks.append((now, self.settled))
        return rate


class BatchTelemetry(Protocol):
    """Measures batches, as `PrometheusMetrics` and `OpenTelemetry` of `wren_async.telemetry` do."""

    def watch(self, events: AsyncIterator[Event], *, batch: str | None = None) -> AsyncGenerator[Event, None]:
        """Measure the events of a run, and hand them on."""
        ...

    def note_totals(self, totals: Totals, *, batch: str | None = None) -> None:
        """Measure how far a batch is."""
        ...
