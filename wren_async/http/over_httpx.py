"""Exchanges over httpx: the library's own client by default, or one that the caller brings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx

from wren_async.http.body import ENCODING, Body, bounded, read_body
from wren_async.http.exchange import Answer, ExchangeFailed, Progress, WireRequest
from wren_async.http.pool import LifoPool

_CONNECT_STEPS: Final = (
    "connection.connect_tcp.",
    "connection.connect_unix_socket.",
    "connection.start_tls.",
    "proxy.start_tls.",
)
_SEND_STEPS: Final = ("http11.send_request_headers.", "http2.send_request_headers.", "http2.send_connection_init.")
_OWN_PLACES: Final = 128
"""Exchanges at a time, where the client is not told another number: as measured, more cost more and gain nothing."""
_CALLERS_PLACES: Final = 100
"""The same for a caller's client, which has room for so many; what waits in its pool gives no proof of "not sent"."""
_NO_LIMITS: Final = {"connect": None, "read": None, "write": None, "pool": None}


class HttpxBackend:
    """Sends over an `httpx.AsyncClient`.

    httpcore reports each step of an exchange through the `trace` extension. Steps, not exceptions, prove that nothing
    was sent: a transport that is not httpcore's may report a lost answer as a failure to connect.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._pool = LifoPool() if client is None else None
        self._client = client if client is not None else httpx.AsyncClient(transport=self._pool)
        self.max_in_flight = _OWN_PLACES if client is None else _CALLERS_PLACES
        # httpx and httpx2 look the same but do not take each other's requests.
        self._request_class = type(self._client.build_request("GET", "http://localhost"))

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        """Send `request` once and read the whole answer."""
        if self._client.is_closed:
            progress.watched = True  # and silent: nothing is sent
            raise ExchangeFailed("the HTTP client is closed")
        progress.watched = self._pool is not None
        watch = _Watch(progress)
        try:
            response = await self._send(self._build(request, watch))
            body = await _read(response, request.max_answer_bytes)
        except asyncio.CancelledError:
            await watch.close()
            raise
        except Exception as error:
            raise ExchangeFailed(str(error) or type(error).__name__, timed_out=_is_timeout(error)) from error
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body.content,
            problem=body.problem,
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._pool is not None:
            # Without a client around it, whose cookies, redirects, credentials and hooks are a quarter of an exchange.
            return await self._pool.handle_async_request(request)
        return await self._client.send(request, follow_redirects=False, auth=_unchanged, stream=True)

    def _build(self, request: WireRequest, watch: _Watch) -> httpx.Request:
        # Not by the client's own `build_request`: a client that the caller brought may carry headers, cookies and
        # parameters of its own, for other hosts.
        headers = [*request.headers, ("Accept-Encoding", ENCODING)]
        if request.authorization is not None:
            headers.append(("Authorization", request.authorization.reveal()))
        return self._request_class(
            request.method,
            request.url,
            headers=headers,
            content=request.content,
            extensions={"trace": watch.note, "timeout": _NO_LIMITS},
        )

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought the client."""
        if self._pool is not None:
            await self._client.aclose()


async def _read(response: httpx.Response, most: int) -> Body:
    """Read the body as it comes from the wire: httpx would decompress it as often as told, to any length."""
    if response.is_stream_consumed:  # by a hook of the caller's client, or by a mock that never had a stream
        return bounded(response.content, most)
    try:
        return await read_body(response.stream, response.headers.get("Content-Encoding"), most)  # type: ignore[arg-type]
    finally:
        await response.aclose()


def _unchanged(request: httpx.Request) -> httpx.Request:
    """Authentication that adds nothing. Without one, httpx takes a user name and password from the address."""
    return request


def _is_timeout(error: Exception) -> bool:
    # By name, because httpx2 has classes of its own and need not be there.
    return any(base.__name__ in ("TimeoutError", "TimeoutException") for base in type(error).__mro__)


class _Watch:
    """Follows the steps of one exchange."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stream: Any = None
        self._shaking_hands = False

    async def note(self, step: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step."""
        if step.startswith(_SEND_STEPS):
            self._progress.sending |= step.endswith(".started") and not _asks_for_a_tunnel(info)
        elif step.startswith(_CONNECT_STEPS):
            self._progress.connecting = True
            self._stream = info.get("return_value") or self._stream
            self._shaking_hands = "start_tls" in step and not step.endswith(".complete")

    async def close(self) -> None:
        """Close a connection that was cancelled in its TLS handshake, because httpcore forgets it."""
        if self._shaking_hands and self._stream is not None:
            await self._stream.aclose()


def _asks_for_a_tunnel(info: Mapping[str, Any]) -> bool:
    """Whether it is the request to a proxy that goes before the real one."""
    return getattr(info.get("request"), "method", None) == b"CONNECT"
