"""Times that are right although a clock is wrong, because the servers' clocks are kept beside this machine's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from wren_async.batch.intents import Api
from wren_async.cnaught import CNaughtClient
from wren_async.cnaught import Portfolios as CNaughtPortfolios
from wren_async.core.client import BaseClient
from wren_async.core.policy import http_date
from wren_async.core.reply import Reply
from wren_async.core.timing import Timing
from wren_async.errors import CallError
from wren_async.wren import Portfolios as WrenPortfolios

_SAME: Final = timedelta(seconds=2)
"""Clocks that differ by no more are taken for one: a `Date` has whole seconds, and takes a while to arrive."""
_SET: Final = timedelta(minutes=1)
"""By how much this machine's clocks may drift apart before one of them counts as set, or as having slept."""
_FURTHEST: Final = timedelta(days=3650)
"""No clock counts as further ahead or behind: a date that is calculated with it must stay within the calendar."""


class ServerClocks:
    """Keeps the servers' time by the dates of their answers.

    A clock may be set right between two runs. So the first byte of an order is dated by the clock that is behind, and
    the last by the one that is ahead: then no clock makes an order look missing for longer than it is.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._dates: dict[Api, tuple[datetime, float, datetime]] = {}
        """What each server has told last, and when, by the clocks of this machine."""

    def now(self) -> datetime:
        """The present by this machine's clock."""
        return self._timing.utc()

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await self._timing.sleep(seconds)

    def note(self, api: Api, headers: Mapping[str, str]) -> None:
        """Take a server's time from an answer."""
        date = http_date(headers.get("date"))
        if date is not None:
            self._dates[api] = date, self._timing.monotonic(), self.now()

    def knows(self, api: Api) -> bool:
        """Whether a server has told its time."""
        return api in self._dates

    async def ask(self, api: Api, client: BaseClient) -> CallError | None:
        """Ask a server for its time, by a cheap read, and return what it answered instead, where that failed."""
        try:
            self.note(api, (await self._read(client)).headers)
        except CallError as error:
            self.note(api, error.headers)
            return error
        return None

    async def _read(self, client: BaseClient) -> Reply[Any]:
        if isinstance(client, CNaughtClient):
            return await client.send_raw(CNaughtPortfolios.list())
        return await client.send_raw(WrenPortfolios.list())

    def there(self, api: Api) -> datetime:
        """The present by a server's clock; by this machine's, where the server has not told its time."""
        return self.now() + self._ahead(api)

    def was_set(self, api: Api) -> bool:
        """Whether the clock of this machine was set, or the machine has slept, since a server told its time. Then
        nobody here knows what time it is there before the server is asked again."""
        if api not in self._dates:
            return False
        _, noted, here = self._dates[api]
        return abs(self.now() - here - timedelta(seconds=self._timing.monotonic() - noted)) > _SET

    def earliest(self, api: Api) -> datetime:
        """The present, by whichever clock is behind."""
        return self.now() + min(timedelta(0), self._ahead(api))

    def latest(self, api: Api) -> datetime:
        """The present, by whichever clock is ahead."""
        return self.now() + max(timedelta(0), self._ahead(api))

    def _ahead(self, api: Api) -> timedelta:
        """How far the server's clock is ahead of ours."""
        if api not in self._dates:
            return timedelta(0)
        date, noted, _ = self._dates[api]
        ahead = date - self.now() + timedelta(seconds=self._timing.monotonic() - noted)
        return max(-_FURTHEST, min(_FURTHEST, ahead)) if abs(ahead) > _SAME else timedelta(0)
