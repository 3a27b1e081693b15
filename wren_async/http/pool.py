"""A last-in-first-out connection pool for httpx, whose cost does not grow with the number of its connections.

httpcore's own pool scans all connections for every request, and loses a place for good when a request is cancelled at a
bad moment. Here the idle connections lie on a stack: the one that was used last is used next, and one whose exchange
did not come to its end is closed.
"""

from __future__ import annotations

import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Final, Self, TypeAlias

import httpcore  # httpx's own engine, which comes with it
import httpx

from wren_async.http.proxy import environment_proxy
from wren_async.http.tls import no_tls, shared_tls

Origin: TypeAlias = tuple[str, str, int | None]

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_IDLE_FOR_READS: Final = 30.0
"""Seconds for which a connection may lie idle before a read takes it."""
_IDLE_FOR_WRITES: Final = 2.0
"""The same for a write. A server may close an idle connection just when a request is sent on it: a read is then sent
again, but a write would be an order of unknown outcome."""


class PooledConnection(httpx.AsyncHTTPTransport):
    """A transport of httpx's with one connection, which opens with the first request.

    A transport keeps a pool, which adds a third to the cost of a single connection. So, unless there is a proxy, the
    connection itself stands in the pool's place.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext) -> None:
        self.origin = _origin(url)
        self.idle_since = 0.0
        proxy = environment_proxy(*self.origin)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_FOR_READS)
        super().__init__(verify=tls, proxy=proxy, limits=limits)
        self._connection: httpcore.AsyncHTTPConnection | None = None
        if proxy is None:
            address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
            self._connection = httpcore.AsyncHTTPConnection(
                address.origin, ssl_context=tls, keepalive_expiry=_IDLE_FOR_READS
            )
            # A version of httpx that does not look here keeps its pool, and is only slower.
            self._pool = self._connection  # type: ignore[assignment]

    @property
    def is_kept(self) -> bool:
        """Whether another request may follow on it after an exchange. With a proxy, the pool inside decides that."""
        connection = self._connection
        return connection is None or (connection.is_available() and not _holds_more(connection))

    @property
    def is_stale(self) -> bool:
        """Whether it has lain idle for too long, or the server has closed it meanwhile."""
        return self._connection is not None and self._connection.has_expired()


class LifoPool(httpx.AsyncBaseTransport):
    """A last-in-first-out stack of transports of one connection each.

    It opens as many connections as there are exchanges at a time, and leaves it to its user to limit these.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tls = tls
        self._clock = clock
        self._idle: defaultdict[Origin, list[PooledConnection]] = defaultdict(list)
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections lie ready."""
        return sum(len(connections) for connections in self._idle.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` on the connection that was used last, or on a new one."""
        connection = await self._acquire(request)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
        response.stream = _PooledStream(response.stream, connection, self._give_back)
        return response

    async def _acquire(self, request: httpx.Request) -> PooledConnection:
        connections = self._idle[_origin(request.url)]
        limit = _IDLE_FOR_READS if request.method in _READS else _IDLE_FOR_WRITES
        while connections and self._clock() - connections[-1].idle_since <= limit:
            connection = connections.pop()
            if not connection.is_stale:
                return connection
            await connection.aclose()
        tls = (self._tls or shared_tls()) if request.url.scheme == "https" else no_tls()
        return PooledConnection(request.url, tls)

    async def _give_back(self, connection: PooledConnection, whole: bool) -> None:
        if not whole or self._closed or not connection.is_kept:
            await connection.aclose()
            return
        connection.idle_since = self._clock()
        self._idle[connection.origin].append(connection)
        await self._close_idle(before=connection.idle_since - _IDLE_FOR_READS)

    async def _close_idle(self, before: float) -> None:
        # One at a time: another task may use the others meanwhile, and a cancellation leaves them in the pool.
        while connection := self._pop_idle(before):
            await connection.aclose()

    def _pop_idle(self, before: float) -> PooledConnection | None:
        """A connection of any origin that was last used before that time."""
        stacks = (
            connections for connections in self._idle.values() if connections and connections[0].idle_since < before
        )
        return next((connections.pop(0) for connections in stacks), None)

    async def aclose(self) -> None:
        """Close the idle connections; those in use close when their exchange ends."""
        self._closed = True
        await self._close_idle(before=float("inf"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class _PooledStream(httpx.AsyncByteStream):
    """An answer's body. Closing it gives the connection back, to be used again if the body was read to its end."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        connection: PooledConnection,
        give_back: Callable[[PooledConnection, bool], object],
    ) -> None:
        self._stream = stream
        self._pooled: PooledConnection | None = connection
        self._give_back = give_back
        self._whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk
        self._whole = True

    async def aclose(self) -> None:
        connection, self._pooled = self._pooled, None
        if connection is None:
            return
        try:
            await self._stream.aclose()
        except BaseException:
            await connection.aclose()
            raise
        await self._give_back(connection, self._whole)  # type: ignore[misc]


def _holds_more(connection: httpcore.AsyncHTTPConnection) -> bool:
    """Whether the server sent more than one answer: the second would be taken for the answer to the next request.

    httpcore has no public way to ask. With a version of it whose insides differ, this is always false.
    """
    http11 = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return http11 is not None and bool(http11.trailing_data[0])


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port
