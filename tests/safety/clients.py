"""Clients of a raw server, in virtual time, with credentials that nobody would take for real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from tests.raw_server import RawServer
from wren_async import CallError, CNaughtClient, Timing, WrenClient

LIVE = "5f0c0000-feed-4dad-beef-00000000f00d"
TEST = "wren_test_5f0c0000"
KEY = "fake-cnaught-key-0000"
TOKEN = "tell/nobody+of=this-token.at~all"
"""One that looks otherwise in JSON, in a URL and in HTML."""

CALLS: dict[str, Callable[[Any], Any]] = {
    "read": lambda client: client.portfolios.list(),
    "order": lambda client: client.offset_orders.create(tons=1, payment_method="credits"),
}


@attrs.define
class Clock:
    """Virtual time that moves when somebody sleeps, and tells the server that an attempt is over."""

    server: RawServer | None = None
    now: float = 1000.0
    waits: list[float] = attrs.field(factory=list[float])

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.server is not None:
            await self.server.turn()

    @property
    def timing(self) -> Timing:
        return Timing(monotonic=lambda: self.now, sleep=self.sleep, draw=lambda: 1.0)


def wren(server: RawServer, clock: Clock | None = None, **options: Any) -> WrenClient:
    """A client of the server, in virtual time unless told otherwise."""
    options = {"token": LIVE, "timing": (clock or Clock(server)).timing, **options}
    return WrenClient(base_url=server.url, **options)


def cnaught(server: RawServer, clock: Clock | None = None, **options: Any) -> CNaughtClient:
    """A client of the server, in virtual time unless told otherwise."""
    options = {"api_key": KEY, "timing": (clock or Clock(server)).timing, **options}
    return CNaughtClient(base_url=server.url, **options)


async def fails(client: Any, place: Callable[[Any], Awaitable[object]]) -> CallError:
    """The error of a call that must fail."""
    with pytest.raises(CallError) as caught:
        await place(client)
    return caught.value
