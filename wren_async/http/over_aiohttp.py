"""Exchanges over aiohttp, which costs the least CPU of all. Needs the extra `aiohttp`."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from wren_async.http.backend import Answer, ExchangeFailed, Progress, WireRequest
from wren_async.http.proxy import environment_proxy

_IDLE: Final = 2.0
"""Seconds that a connection may lie idle. A server may close an idle connection just when an order goes out on it, and
aiohttp does not let a request choose its connection, so none is kept for long."""


class AiohttpBackend:
    """Sends over aiohttp, with a session of its own or over the connector of one that the caller brings.

    aiohttp's traces tell when it is about to write a request. Until then nothing was sent; and when it is about to
    write the same request again, on its own account, it is stopped.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._callers = session
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[tuple[str, str], str | None] = {}

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        """Send `request` once and read the whole answer."""
        progress.watched = True
        url = URL(request.url, encoded=True)
        try:
            async with self._open().request(
                request.method,
                url,
                headers=[*request.headers, *_authorization(request)],
                data=request.content,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
                trace_request_ctx=progress,
                proxy=self._proxy(url),
            ) as response:
                body = await response.read()
        except ExchangeFailed:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise ExchangeFailed(reason, timed_out=isinstance(error, TimeoutError)) from error
        return Answer(status=response.status, headers=_joined(response.headers), body=body)

    def _open(self) -> aiohttp.ClientSession:
        # Not before the first exchange: a session belongs to the loop that makes it.
        if self._session is None:
            callers = self._callers
            self._session = aiohttp.ClientSession(
                connector=callers.connector if callers else aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE),
                connector_owner=callers is None,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                trace_configs=[_watch()],
            )
        return self._session

    def _proxy(self, url: URL) -> str | None:
        # aiohttp's own way asks a thread for each request, and may find credentials in a netrc file.
        origin = (url.scheme, url.host or "")
        if origin not in self._proxies:
            self._proxies[origin] = environment_proxy(*origin)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought them."""
        if self._session is not None:
            await self._session.close()


def _watch() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note_sending)
    return trace


async def _note_sending(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
    """Called when the headers are about to be written."""
    progress: Progress = context.trace_request_ctx
    if progress.sending:
        raise ExchangeFailed("the server closed the connection without an answer")
    progress.sending = True


def _authorization(request: WireRequest) -> tuple[tuple[str, str], ...]:
    return (("Authorization", request.authorization.reveal()),) if request.authorization else ()


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
