"""A connector and a request for aiohttp that note in `Progress` when connecting begins and ends, and when something is
written."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

import aiohttp

from wren_async.http.exchange import ConnectionUnusable, ExchangeFailed, Progress

_ASKED_OFTEN: Final = ("allowed_protocol_schema_set", "_timeout_ceil_threshold")

_current: ContextVar[Progress] = ContextVar("wren_async_progress")


def follow(progress: Progress) -> None:
    """Note in `progress` what aiohttp does from now on in the running task."""
    _current.set(progress)


class TrackingConnector:
    """Wraps a connector, and notes when connecting begins and with what it fails."""

    def __init__(self, connector: aiohttp.BaseConnector) -> None:
        self._connector = connector
        # What aiohttp asks for with each request: `__getattr__` takes many times as long.
        vars(self).update({name: getattr(connector, name) for name in _ASKED_OFTEN if hasattr(connector, name)})

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._connector.closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def connect(self, *arguments: Any, **options: Any) -> aiohttp.connector.Connection:
        """Find a connection, new or kept."""
        progress = _current.get()
        progress.connecting = True
        try:
            return await self._connector.connect(*arguments, **options)
        except BaseException as error:
            progress.connect_error = error
            raise
        finally:
            progress.connecting = False


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
        _current.get().begin_sending()
        return await super().send(conn)

    def _refuse_repeat(self) -> None:
        if _current.get().sending:
            raise ExchangeFailed("the server closed the connection without an answer")
