"""A request of aiohttp's that notes when it is about to be written."""

from __future__ import annotations

from contextvars import ContextVar
from types import CodeType
from typing import Any, Final

import aiohttp

from wren_async.http.exchange import ConnectionUnusable, ExchangeFailed, Progress

_current: ContextVar[Progress] = ContextVar("wren_async_progress")


class TrackingRequest(aiohttp.ClientRequest):
    """A request that notes when it is about to be written, and is not written twice."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._refuse_repeat()
        super().__init__(*arguments, **options)

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Write it to the connection that was found for it."""
        self._refuse_repeat()
        if conn.protocol is not None and conn.protocol.should_close:
            # aiohttp looks when a connection is given back, and not again when it is taken.
            conn.close()
            raise ConnectionUnusable("the server sent an answer that nobody asked for")
        _current.get().sending = True
        return await super().send(conn)

    def _refuse_repeat(self) -> None:
        if _current.get().sending:
            raise ExchangeFailed("the server closed the connection without an answer")


def _writes_by(method: str, code: CodeType) -> bool:
    """Whether `code`, or a function inside it, calls a method of that name."""
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return method in code.co_names or any(_writes_by(method, part) for part in inner)


_SEES: Final = _writes_by("send", aiohttp.ClientSession._request.__code__)
"""Whether this aiohttp writes a request by its method `send`. A version that does not gives no proof of "not sent"."""


def follow(progress: Progress) -> None:
    """From now on, note in `progress` what the running task has written."""
    progress.watched = _SEES
    _current.set(progress)
