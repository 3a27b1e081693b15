"""Exchanges over httpx: the library's own client by default, or one that the caller brings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx

from wren_async.http.backend import Answer, ExchangeFailed, Progress, WireRequest
from wren_async.http.lifo import LifoTransport

_CONNECT_STEPS: Final = ("connection.connect_tcp.", "connection.connect_unix_socket.", "connection.start_tls.")
_SEND_STEPS: Final = ("http11.send_request_headers.", "http2.send_request_headers.", "http2.send_connection_init.")


class HttpxBackend:
    """Sends over an `httpx.AsyncClient`.

    httpcore reports each step of an exchange through the `trace` extension. Steps, not exceptions, prove that nothing
    was sent: a transport that is not httpcore's may report a lost answer as a failure to connect.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._owned = client is None
        # Redirects, cookies and proxies from the environment stay out: an exchange is one request and one answer.
        self._client = client if client is not None else httpx.AsyncClient(transport=LifoTransport())

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        """Send `request` once and read the whole answer."""
        progress.watched = self._owned
        watch = _Watch(progress)
        try:
            response = await self._client.send(self._build(request, watch), follow_redirects=False, auth=None)
        except asyncio.CancelledError:
            await watch.close()
            raise
        except Exception as error:
            raise ExchangeFailed(
                str(error) or type(error).__name__, timed_out=isinstance(error, TimeoutError | httpx.TimeoutException)
            ) from error
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.content,
        )

    def _build(self, request: WireRequest, watch: _Watch) -> httpx.Request:
        built = self._client.build_request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.content,
            timeout=None,
            extensions={"trace": watch.note},
        )
        # A client that the caller brought may carry credentials and cookies of its own, for other hosts.
        built.headers.pop("cookie", None)
        built.headers.pop("authorization", None)
        if request.authorization is not None:
            built.headers["Authorization"] = request.authorization.reveal()
        return built

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought the client."""
        if self._owned:
            await self._client.aclose()


class _Watch:
    """Follows the steps of one exchange."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stream: Any = None
        self._shaking_hands = False

    async def note(self, step: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step."""
        if step.startswith(_SEND_STEPS):
            self._progress.sending = True
        elif step.startswith(_CONNECT_STEPS):
            self._progress.connecting = True
            self._stream = info.get("return_value") or self._stream
            self._shaking_hands = "start_tls" in step and not step.endswith(".complete")

    async def close(self) -> None:
        """Close a connection that was cancelled in its TLS handshake, because httpcore forgets it."""
        if self._shaking_hands and self._stream is not None:
            await self._stream.aclose()
