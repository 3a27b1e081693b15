"""Exchanges over httpx: the library's own client by default, or one that the caller brings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from traceback import walk_tb
from typing import Any, Final

import httpx

from wren_async.http.body import ENCODING, Body, bounded, read_body
from wren_async.http.exchange import Answer, ExchangeFailed, Progress, WireRequest
from wren_async.http.pool import LifoPool
from wren_async.http.proxy import plain_proxy_hosts

_CONNECT_STEPS: Final = (
    "connection.connect_tcp.",
    "connection.connect_unix_socket.",
    "connection.start_tls.",
    "proxy.start_tls.",
    "socks.setup_socks5_connection.",
)
_SEND_STEPS: Final = ("http11.send_request_headers.", "http2.send_request_headers.", "http2.send_connection_init.")
_BODY_STEPS: Final = ("http11.send_request_body.", "http2.send_request_body.")
_TUNNEL_ANSWERED: Final = "http11.receive_response_headers.complete"
_TUNNEL: Final = "._async.http_proxy"
"""The module of httpcore, and of httpcore2, that asks a proxy for a tunnel, and tells of a refusal by raising."""
_WATCHERS: Final = frozenset({"sentry_sdk"})
"""Packages that replace `AsyncClient.send` by a function that watches a request, and is known to send it once."""
_TRUSTED: Final = frozenset({"wren_async", "httpx", "httpx2", "httpcore", "httpcore2", "contextlib"}) | _WATCHERS
"""The packages through which the error of a connect step may pass and still be proof that nothing was sent."""
_OWN_PLACES: Final = 128
"""Exchanges at a time, unless the client is given `max_in_flight`: more were measured to cost more and gain nothing."""
_CALLERS_PLACES: Final = 100
"""The same over a caller's client: httpx's own limit. A call that waits in its pool has no proof that it was not sent.
"""
_NO_LIMITS: Final = {"connect": None, "read": None, "write": None, "pool": None}


class HttpxBackend:
    """Sends over an `httpx.AsyncClient`.

    httpcore reports each step of an exchange through the `trace` extension. A connect step that was seen to fail, with
    the very exception that ended the exchange, proves that nothing was sent. An exception alone proves nothing: a mock
    raises what it was told, and another transport may report a lost answer as a failure to connect.
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
            progress.proven = True
            raise ExchangeFailed("the HTTP client is closed")
        if self._pool is None and request.authorization is not None and _is_overheard(self._client, request.url):
            progress.proven = True
            raise ExchangeFailed(
                "the address is not encrypted, and the proxy that HTTP_PROXY or ALL_PROXY names would read the token: "
                "name the host in NO_PROXY, or make the httpx client with trust_env=False"
            )
        trace = _Trace(progress)
        try:
            built = self._build(request, trace)
        except Exception as error:
            progress.proven = True
            raise ExchangeFailed(str(error) or type(error).__name__) from error
        try:
            response = await self._send(built)
            body = await _read(response, request.max_answer_bytes)
        except asyncio.CancelledError as error:
            progress.ended_by(error)
            await trace.close()
            raise
        except Exception as error:
            if (self._pool is not None and not _is_watched()) or _passed_only_httpx(error):
                progress.ended_by(error)
                progress.proven |= trace.saw_refused_tunnel(error)
            raise ExchangeFailed(str(error) or type(error).__name__, timed_out=_is_timeout(error)) from error
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body.content,
            problem=body.problem,
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._pool is not None and not _is_watched():
            # Past `AsyncClient.send`, whose cookies, redirects, credentials and hooks take a quarter of an exchange.
            return await self._pool.handle_async_request(request)
        return await self._client.send(request, follow_redirects=False, auth=_unchanged, stream=True)

    def _build(self, request: WireRequest, trace: _Trace) -> httpx.Request:
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
            extensions={"trace": trace.note, "timeout": _NO_LIMITS},
        )

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought the client."""
        if self._pool is not None:
            await self._client.aclose()


async def _read(response: httpx.Response, most: int) -> Body:
    """Read the body as it comes from the wire: httpx would decompress it by every encoding named, to any length."""
    if response.is_stream_consumed:  # by a hook of the caller's client, or by a mock that never had a stream
        return bounded(response.content, most)
    try:
        return await read_body(response.stream, response.headers.get("Content-Encoding"), most)  # type: ignore[arg-type]
    finally:
        await response.aclose()


def _is_overheard(client: httpx.AsyncClient, address: str) -> bool:
    """Whether a caller's client sends a plain request through a proxy that it took from the environment.

    A proxy that the caller named is the caller's choice. httpx does not show what it uses; where a version of it looks
    different inside, nothing is seen.
    """
    if address.startswith("https:") or not client.trust_env or not hasattr(client, "_transport_for_url"):
        return False
    transport = client._transport_for_url(type(client.base_url)(address))
    used = getattr(getattr(transport, "_pool", None), "_proxy_url", None)
    return used is not None and used.host.decode() in plain_proxy_hosts()


def _is_watched() -> bool:
    """Whether something replaced `AsyncClient.send` that is to see our requests too, and does them no harm."""
    return httpx.AsyncClient.send.__module__.partition(".")[0] in _WATCHERS


def _unchanged(request: httpx.Request) -> httpx.Request:
    """Authentication that adds nothing. Without one, httpx takes a user name and password from the address."""
    return request


def _is_timeout(error: Exception) -> bool:
    # By name, because httpx2 has classes of its own and need not be there.
    return any(base.__name__ in ("TimeoutError", "TimeoutException") for base in type(error).__mro__)


class _Trace:
    """Follows the steps of one exchange, as httpcore reports them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stream: Any = None
        self._shaking_hands = False
        self._tunnel_refused = False

    async def note(self, step: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step: when it starts, and when it is complete or has failed."""
        progress = self._progress
        if step.endswith(".started"):
            tunnel = _asks_for_a_tunnel(info)
            progress.connecting = tunnel or step.startswith(_CONNECT_STEPS)
            if step.startswith(_SEND_STEPS) and not tunnel:
                # httpcore awaits nothing between this and writing to the connection.
                progress.begin_sending()
            elif step.startswith(_BODY_STEPS):
                progress.check_permit()
        elif progress.connecting:
            progress.connecting = False
            progress.connect_error = info.get("exception")
            self._tunnel_refused = _is_refused_tunnel(step, info)
        if step.startswith(_CONNECT_STEPS):
            self._stream = info.get("return_value") or self._stream
            self._shaking_hands = "start_tls" in step and not step.endswith(".complete")

    def saw_refused_tunnel(self, error: Exception) -> bool:
        """Whether a proxy was seen to refuse the tunnel, and `error` was raised by the code that had asked for it."""
        return self._tunnel_refused and "".join(_modules(error.__cause__)[-1:]).endswith(_TUNNEL)

    async def close(self) -> None:
        """Close a connection that was cancelled in its TLS handshake, because httpcore leaves it open."""
        if self._shaking_hands and self._stream is not None:
            await self._stream.aclose()


def _is_refused_tunnel(step: str, info: Mapping[str, Any]) -> bool:
    answer = info.get("return_value")
    return step == _TUNNEL_ANSWERED and isinstance(answer, tuple) and not 200 <= answer[1] < 300


def _modules(error: BaseException | None) -> list[str]:
    """Names of the modules through which `error` was raised, beginning with ours."""
    trace = error.__traceback__ if error is not None else None
    return [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(trace)]


def _passed_only_httpx(error: Exception) -> bool:
    """Whether `error` was raised by httpx and httpcore alone. A transport of the caller's may have sent the request
    another way, unseen, and then raise the error of its first try."""
    return all(name.partition(".")[0] in _TRUSTED for name in _modules(error))


def _asks_for_a_tunnel(info: Mapping[str, Any]) -> bool:
    """Whether it is the request to a proxy that goes before the real one."""
    return getattr(info.get("request"), "method", None) == b"CONNECT"
