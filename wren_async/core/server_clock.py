"""A server's time, by the dates of its answers. This machine's clock may be wrong, or be set at any time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from wren_async.core.policy import http_date
from wren_async.core.timing import Timing

_SAME: Final = timedelta(seconds=2)
"""Clocks that differ by no more are taken for one: a `Date` has whole seconds, and takes a while to arrive."""


class ServerClock:
    """Keeps a server's time. Between its answers, the monotonic clock goes on from the date of the last one.

    The times of a sending are compared later, perhaps on a machine with another clock. So the first byte is dated by
    the clock that is behind, and the last byte by the one that is ahead: then no clock makes it look as if more time
    had passed since the last byte than has.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._date = ""
        self._noted = 0.0
        self._there: datetime | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Take the time from an answer."""
        date = headers.get("date")
        if date is not None:
            # Parsed when somebody asks, which few calls need.
            self._date, self._noted = date, self._timing.monotonic()

    @property
    def now(self) -> datetime | None:
        """The present by the server's clock; `None` where none of its answers was dated."""
        if self._date:
            self._there, self._date = http_date(self._date), ""
        since = timedelta(seconds=self._timing.monotonic() - self._noted)
        return None if self._there is None else self._there + since

    def earliest(self, moment: datetime) -> datetime:
        """A moment of this machine's clock by whichever clock is behind."""
        return moment + min(timedelta(0), self._ahead())

    def latest(self, moment: datetime) -> datetime:
        """A moment of this machine's clock by whichever clock is ahead."""
        return moment + max(timedelta(0), self._ahead())

    def _ahead(self) -> timedelta:
        """How far the server's clock is ahead of ours."""
        now = self.now
        if now is None:
            return timedelta(0)
        ahead = now - self._timing.utc()
        return ahead if abs(ahead) > _SAME else timedelta(0)
