"""What both APIs of a sandbox share: the clock, the source of ids, and a note of what changed."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import attrs

_T = TypeVar("_T")

_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"

_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(8999, 12, 31, tzinfo=UTC)
_MOST_SECONDS = 10**10
"""Some three hundred years."""


@attrs.define
class Clock:
    """The sandbox's time: the machine's, shifted or frozen on request."""

    frozen_at: datetime | None = None
    shift: timedelta = timedelta()

    def now(self) -> datetime:
        """The present moment of the sandbox, aware and in UTC."""
        return self.frozen_at or datetime.now(UTC) + self.shift

    def set(self, moment: datetime) -> None:
        """Stop the clock at `moment`, which must be aware. `ValueError` outside of the years 1970 to 8999."""
        self.frozen_at = _bounded(moment)

    def move(self, seconds: float) -> None:
        """Move the clock by `seconds`, forward or back; a stopped clock stays stopped. `ValueError` as in `set`."""
        if not abs(seconds) <= _MOST_SECONDS:
            raise ValueError(f"the clock cannot be moved by {seconds} seconds")
        step = timedelta(seconds=seconds)
        moved = _bounded(self.now() + step)
        if self.frozen_at is None:
            self.shift += step
        else:
            self.frozen_at = moved


def _bounded(moment: datetime) -> datetime:
    # What the APIs reckon from the present, such as the end of a checkout, must be a date as well.
    if moment.tzinfo is None:
        raise ValueError("the time needs its offset from UTC, such as Z")
    if not _FIRST_MOMENT <= moment <= _LAST_MOMENT:
        raise ValueError(
            f"the clock goes from {_FIRST_MOMENT.year} to {_LAST_MOMENT.year}, not to {moment.isoformat()}"
        )
    return moment.astimezone(UTC)


def newest(kept: Iterable[_T], count: int | None) -> list[_T]:
    """The last few of what is kept oldest first, or all of it."""
    everything = list(kept)
    return everything if count is None else everything[-count:]


class Ids:
    """Ids that look like those of the APIs and depend only on the seed and on how many were drawn before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.position = 0
        """How many ids have been drawn."""

    def short(self, length: int = 12) -> str:
        """A short opaque id, such as CNaught's `Gre28Fc35bt3`; at most 64 characters."""
        return "".join(_ID_ALPHABET[byte % len(_ID_ALPHABET)] for byte in self._draw()[:length])

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(bytes=self._draw()[:16], version=4))

    def _draw(self) -> bytes:
        self.position += 1
        return hashlib.blake2b(f"{self._seed}:{self.position}".encode()).digest()


@attrs.define
class World:
    """What both APIs of a sandbox share. They take the time and new ids from here, and note here what they change."""

    clock: Clock = attrs.field(factory=Clock)
    ids: Ids = attrs.field(factory=lambda: Ids(seed=1))
    changes: list[str] = attrs.field(factory=list)
    """What the request in progress has changed, in words, for the sandbox's log. The server empties it before each."""

    def changed(self, what: str) -> None:
        """Note a change, such as `order Gre28Fc35bt3 placed for 20 cents`."""
        self.changes.append(what)
