"""Posting CNaught's notifications to the URLs that orders name, until a 200 comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from wren_async.sandbox.admission import is_loopback
from wren_async.sandbox.cnaught import Notification
from wren_async.sandbox.codec import JSON_TYPE
from wren_async.sandbox.state import SandboxState

_TIMEOUT_SECONDS = 5.0


class Delivery:
    """Sends what waits in the outbox, again and again, but only to this machine."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at_attempts: list[Callable[[Notification], None]] = []
        self.retry_seconds = 1.0
        """How long after a failed attempt the next one comes."""

    def when_attempted(self, listener: Callable[[Notification], None]) -> None:
        """Have a function called after each attempt to post a notification."""
        self._at_attempts.append(listener)

    def begin(self) -> None:
        """Deliver from the running event loop, whichever thread changes an order."""
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Begin to deliver, when something waits and no delivery is running. Any thread may call this."""
        if not self._state.cnaught_api.outbox.waiting:
            return
        here = _running_loop()
        home = self._loop or here
        if home is not None and home is here:
            self._start(home)
        elif home is not None:
            home.call_soon_threadsafe(self._start, home)

    async def stop(self) -> None:
        """Stop delivering. What waits is delivered after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._loop = None

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._deliver())

    async def _deliver(self) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while due := self._state.cnaught_api.outbox.due(self._state.world.clock.now()):
                outbox = self._state.cnaught_api.outbox
                for notification in due:
                    status = await self._post(client, notification)
                    outbox.attempted(notification.id, status)
                    self._state.keep("notified", {"id": notification.id, "status": status})
                    for listener in self._at_attempts:
                        listener(notification)
                if outbox.waiting:
                    await asyncio.sleep(self.retry_seconds)

    async def _post(self, client: httpx.AsyncClient, notification: Notification) -> int | None:
        if not is_loopback(urlsplit(notification.url).hostname or ""):
            return None  # the sandbox calls no other machine
        try:
            answer = await client.post(
                notification.url, content=notification.content, headers={"Content-Type": JSON_TYPE}
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        return answer.status_code


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
