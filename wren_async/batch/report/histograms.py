"""Sums that stay small however many orders go into them: over time, and of durations. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from wren_async.batch.journal.contract import State

_WIDTHS: Final = (
    1, 5, 10, 50, 100, 500,
    *(1000 * each for each in (1, 5, 15, 30, 60, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400)),
)  # fmt: skip
"""Widths of slots in milliseconds, each a multiple of the one before; past the last one, each is twice that."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_PER_DECADE: Final = 20


@attrs.define
class Slot:
    """What was sent within a stretch of time."""

    orders: Counter[State] = attrs.field(factory=Counter[State])
    """Number of orders by what became of them."""
    cents: int = 0
    """USD cents of those that were placed."""

    def merge(self, other: Slot) -> None:
        """Add what another slot holds."""
        self.orders.update(other.orders)
        self.cents += other.cents


@attrs.define
class Timeline:
    """Orders and spend over time, in slots that grow wider as the time covered grows longer."""

    most: int = 120
    """Slots at most."""
    _width: int = _WIDTHS[0]
    _slots: dict[int, Slot] = attrs.field(factory=dict[int, Slot])

    def __bool__(self) -> bool:
        return bool(self._slots)

    @property
    def width(self) -> timedelta:
        """How long a slot is."""
        return self._width * _MILLISECOND

    def add(self, moment: datetime, state: State, cents: int) -> None:
        """Add an order that was sent at that moment; a clock may have been wrong by any number of years."""
        number = (min(max(moment, _EARLIEST), _LATEST) - _EPOCH) // self.width
        is_new = number not in self._slots
        slot = self._slots.setdefault(number, Slot())
        slot.orders[state] += 1
        slot.cents += cents
        while is_new and max(self._slots) - min(self._slots) >= self.most:
            self._widen()

    def slots(self) -> Iterator[tuple[datetime, Slot]]:
        """Each slot and when it began, without gaps, from the first to the last."""
        for number in range(min(self._slots), max(self._slots) + 1) if self._slots else ():
            yield _EPOCH + number * self.width, self._slots.get(number) or Slot()

    def _widen(self) -> None:
        was, old = self._width, self._slots
        self._width = next((width for width in _WIDTHS if width > was), was * 2)
        self._slots = {}
        for number, slot in old.items():
            self._slots.setdefault(number * was // self._width, Slot()).merge(slot)


@attrs.define
class Durations:
    """How long things took: a histogram with twenty steps for each power of ten."""

    _counts: Counter[int] = attrs.field(factory=Counter[int])

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, seconds: float) -> None:
        """Add a duration above zero."""
        self._counts[math.floor(math.log10(max(seconds, 1e-6)) * _PER_DECADE)] += 1

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share of all stayed, to about a tenth; `None` where there are none."""
        seen, wanted = 0, share * len(self)
        for low, high, count in self.steps():
            seen += count
            if seen >= wanted:
                return math.sqrt(low * high)
        return None

    def steps(self) -> Iterator[tuple[float, float, int]]:
        """From, to (in seconds) and number, without gaps, from the shortest to the longest."""
        for step in range(min(self._counts), max(self._counts) + 1) if self._counts else ():
            yield 10 ** (step / _PER_DECADE), 10 ** ((step + 1) / _PER_DECADE), self._counts[step]
