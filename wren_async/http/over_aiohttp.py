"""Exchanges over aiohttp, which costs the least CPU of all. Needs the extra `aiohttp`."""

from __future__ import annotations

import asyncio
import functools
import importlib
import io
from collections.abc import AsyncIterable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from wren_async.errors import InvalidConfiguration
from wren_async.http.body import ENCODING, Body, read_body
from wren_async.http.exchange import Answer, ConnectionUnusable, ExchangeFailed, Progress, WireRequest
from wren_async.http.proxy import environment_proxy
from wren_async.http.tls import shared_tls

# aiohttp is not loaded before a backend is made: it is an extra, and takes longer to load than all else together.
if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

_IDLE: Final = 2.0
"""Seconds that a connection may lie idle. A server may close an idle connection just when an order goes out on it, and
aiohttp does not let a request choose its connection, so none is kept for long."""

_PLACES: Final = 512
"""Exchanges at a time, unless the client is given `max_in_flight`: more were measured to cost more and gain little."""

_LARGE: Final = 2**20
"""Bytes from which on aiohttp wants a file rather than bytes."""


class AiohttpBackend:
    """Sends over aiohttp, with a session of its own or over the connector of one that the caller brings.

    Of a caller's session it takes the connector and the proxy, with `trust_env` the environment's. Headers, cookies,
    credentials and whatever else that session adds to requests are not for this API.

    A connector and a request class of our own note when aiohttp connects, and when it is about to write. The request
    class also stops aiohttp from writing a request a second time, which aiohttp does by itself when a kept connection
    turns out to be closed. aiohttp's own tracing would show the same steps, for a tenth of the exchange's time.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        try:
            importlib.import_module("aiohttp")
        except ModuleNotFoundError:
            raise InvalidConfiguration("AiohttpBackend needs aiohttp: pip install 'wren-async[aiohttp]'") from None
        self._callers = session
        self.max_in_flight = min([_PLACES, *_room(session)])
        self._session: aiohttp.ClientSession | None = None
        self._follow: Callable[[Progress], object]
        self._proxies: dict[tuple[str, str, int | None], str | None] = {}

    async def exchange(self, request: WireRequest, progress: Progress, *, once_more: bool = True) -> Answer:
        """Send `request` once and read the whole answer."""
        session = self._session if self._callers is None else self._callers
        if session is not None and session.closed:
            progress.proven = True
            raise ExchangeFailed("the aiohttp session is closed")
        try:
            session, url = self._open(), _address(request.url)
        except Exception as error:
            progress.proven = True
            raise ExchangeFailed(str(error) or type(error).__name__) from error
        self._follow(progress)
        try:
            async with session.request(
                request.method,
                url,
                headers=[*request.headers, ("Accept-Encoding", ENCODING), *_authorization(request)],
                data=_payload(request.content),
                allow_redirects=False,
                proxy=self._proxy(url),
                ssl=shared_tls() if self._callers is None and url.scheme == "https" else True,
            ) as response:
                headers = _joined(response.headers)
                if _is_short(headers, request.max_answer_bytes):
                    body = Body(await response.read())
                else:
                    encoding = headers.get("content-encoding")
                    body = await read_body(response.content.iter_any(), encoding, request.max_answer_bytes)
                if body.problem:
                    response.close()  # or aiohttp would read the rest
        except ConnectionUnusable:
            # Nothing was sent. One more connection is tried, and no third: a server that writes before it is asked
            # does so on each.
            if not once_more or isinstance(request.content, AsyncIterable):
                progress.proven = True
                raise
            return await self.exchange(request, progress, once_more=False)
        except ExchangeFailed:
            raise
        except asyncio.CancelledError as error:
            progress.ended_by(error)
            raise
        except Exception as error:
            progress.ended_by(error)
            reason = str(error) or type(error).__name__
            raise ExchangeFailed(reason, timed_out=isinstance(error, TimeoutError)) from error
        return Answer(status=response.status, headers=headers, body=body.content, problem=body.problem)

    def _open(self) -> aiohttp.ClientSession:
        # Not before the first exchange: a session belongs to the loop that makes it.
        if self._session is None:
            import aiohttp

            from wren_async.http.tracking_request import TrackingConnector, TrackingRequest, follow

            self._follow = follow
            ways = self._ways()
            ways["connector"] = TrackingConnector(ways["connector"])
            self._session = aiohttp.ClientSession(
                **ways,
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                request_class=TrackingRequest,
            )
        return self._session

    def _ways(self) -> dict[str, Any]:
        """The connector to use, and the proxy where the caller's session has one."""
        import aiohttp

        callers = self._callers
        if callers is None:
            return {"connector": aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE)}
        return {
            "connector": callers.connector,
            "connector_owner": False,
            # aiohttp does not show them.
            "proxy": getattr(callers, "_default_proxy", None),
            "proxy_auth": getattr(callers, "_default_proxy_auth", None),
        }

    def _proxy(self, url: URL) -> str | None:
        callers = self._callers
        if callers is not None and (not callers.trust_env or getattr(callers, "_default_proxy", None)):
            return None  # the session's own proxy is used, if it has one
        # Not by aiohttp's own search, which starts a thread for each request and reads credentials from a netrc file.
        origin = (url.scheme, url.host or "", url.port)
        if origin not in self._proxies:
            self._proxies[origin] = environment_proxy(*origin)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the connections, unless the caller brought them."""
        if self._session is not None:
            await self._session.close()


def _room(session: aiohttp.ClientSession | None) -> list[int]:
    """The limits of a caller's session on connections. Waiting for one inside it uses up the time of an attempt."""
    connector = session.connector if session is not None else None
    return [] if connector is None else [limit for limit in (connector.limit, connector.limit_per_host) if limit]


@functools.lru_cache(maxsize=64)
def _address(text: str) -> URL:
    from yarl import URL

    url = URL(text, encoded=True)
    # aiohttp would make credentials of a user name and password in it.
    return url.with_user(None) if "@" in url.raw_authority else url


def _payload(content: bytes | AsyncIterable[bytes] | None) -> io.BytesIO | bytes | AsyncIterable[bytes] | None:
    return io.BytesIO(content) if isinstance(content, bytes) and len(content) > _LARGE else content


def _authorization(request: WireRequest) -> tuple[tuple[str, str], ...]:
    return (("Authorization", request.authorization.reveal()),) if request.authorization else ()


def _is_short(headers: Mapping[str, str], most: int) -> bool:
    """Whether an answer says its length, which is within the bound, and nothing has to be undone: most are so, and
    reading them whole costs less."""
    told = headers.get("content-length", "")
    plain = "content-encoding" not in headers and "transfer-encoding" not in headers
    return plain and told.isascii() and told.isdigit() and len(told) < 12 and int(told) <= most


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        if not value.isascii():
            # aiohttp turns bytes that are no UTF-8 into halves of surrogate pairs, which cannot be encoded again.
            value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
