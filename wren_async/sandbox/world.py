"""What both APIs of a sandbox share: the clock, the source of ids, the settings, and a note of what changed."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import attrs

_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


@attrs.define
class Clock:
    """The sandbox's time: the machine's, shifted or frozen on request."""

    frozen_at: datetime | None = None
    shift: timedelta = timedelta()

    def now(self) -> datetime:
        """The present moment of the sandbox, aware and in UTC."""
        return self.frozen_at or datetime.now(UTC) + self.shift

    def set(self, moment: datetime) -> None:
        """Stop the clock at `moment`, which must be aware."""
        self.frozen_at = moment.astimezone(UTC)

    def move(self, seconds: float) -> None:
        """Move the clock by `seconds`, forward or back; a stopped clock stays stopped."""
        if self.frozen_at is None:
            self.shift += timedelta(seconds=seconds)
        else:
            self.frozen_at += timedelta(seconds=seconds)


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
    """The ground that both APIs stand on. One sandbox has one world."""

    clock: Clock = attrs.field(factory=Clock)
    ids: Ids = attrs.field(factory=lambda: Ids(seed=1))
    changes: list[str] = attrs.field(factory=list)
    """What the request in progress has changed, in words, for the sandbox's log. The server empties it before each."""

    def changed(self, what: str) -> None:
        """Note a change, such as `order Gre28Fc35bt3 placed for 20 cents`."""
        self.changes.append(what)
