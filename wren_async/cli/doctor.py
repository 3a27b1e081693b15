"""`wren-async doctor`: what the commands find when they look around. Never a token."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from wren_async.cli.environment import ADDRESSES, TOKENS, has_token
from wren_async.cli.exits import Exit

if TYPE_CHECKING:
    from wren_async.cnaught import CNaughtClient
    from wren_async.wren import WrenClient

_NAMES: Final = {"wren": "Wren", "cnaught": "CNaught"}
_EXTRAS: Final = {
    "aiohttp": "aiohttp",
    "sandbox": "starlette",
    "cli": "cyclopts",
    "xlsx": "python_calamine",
    "parquet": "pyarrow",
    "postgres": "psycopg",
    "otel": "opentelemetry",
}
"""What each extra brings, by which it is known to be there."""
_LIBRARIES: Final = ("httpx", "aiohttp")


def doctor() -> Exit:
    """Show which tokens are set, for which servers, whether they answer, and the versions. It changes nothing.

    Each server is asked for something that is only read. No token is shown.
    """
    return _examine(*_NAMES)


def wren_doctor() -> Exit:
    """Show whether Wren's token is set, which server it is for, whether that answers, and the versions.

    The server is asked for something that is only read. No token is shown.
    """
    return _examine("wren")


def cnaught_doctor() -> Exit:
    """Show whether CNaught's key is set, which server it is for, whether that answers, and the versions.

    The server is asked for something that is only read. No key is shown.
    """
    return _examine("cnaught")


def _examine(*apis: str) -> Exit:
    import asyncio

    from wren_async.cli.terminal import output, pairs, show

    codes = []
    for api in apis:
        found, code = asyncio.run(_look(api))
        codes.append(code)
        show(output(), pairs([(_NAMES[api], ""), *((f"  {name}", text) for name, text in found.items()), ("", "")]))
    show(output(), pairs(_versions()))
    told = [code for code in codes if code is not None] or [Exit.UNFINISHED]
    return max(told, key=(Exit.ALL_PLACED, Exit.UNFINISHED, Exit.CREDENTIALS).index)


async def _look(api: str) -> tuple[dict[str, str], Exit | None]:
    """What is found, and what it comes to; nothing for an API that nobody set up."""
    from wren_async.cnaught import CNaughtClient
    from wren_async.errors import InvalidConfiguration
    from wren_async.wren import WrenClient

    variable = TOKENS[api]
    if not has_token(api):
        return {"token": f"none: set {variable} in the environment, or try commands with --sandbox"}, None
    found = {"token": f"from {variable}"}
    try:
        client = WrenClient() if api == "wren" else CNaughtClient()
    except InvalidConfiguration as error:
        return {**found, "reached": f"no: {error}"}, Exit.UNFINISHED
    async with client:
        reached, code = await _reached(client, variable)
        return {**found, "server": f"{client.base_url}{_origin(api)}", "mode": _mode(client), "reached": reached}, code


async def _reached(client: WrenClient | CNaughtClient, variable: str) -> tuple[str, Exit]:
    """Whether the server answers, and takes the token: Wren asks for none where it lists its portfolios."""
    from wren_async.errors import AccessRefused, WrenAsyncError
    from wren_async.wren import WrenClient

    once = client.with_options(retries=0, timeout=10.0)
    try:
        await (once.credits.balance() if isinstance(once, WrenClient) else once.portfolios.list())
    except AccessRefused as error:
        return f"yes, and {variable} was refused ({error.status})", Exit.CREDENTIALS
    except WrenAsyncError as error:
        return f"no: {error}", Exit.UNFINISHED
    return "yes, and it takes the token", Exit.ALL_PLACED


def _origin(api: str) -> str:
    return f" ({ADDRESSES[api]})" if os.environ.get(ADDRESSES[api]) else ""


def _mode(client: WrenClient | CNaughtClient) -> str:
    from wren_async.http.address import read_address
    from wren_async.wren import WrenClient

    if read_address(client.base_url).is_loopback:
        return "on this machine: nothing real is bought"
    if isinstance(client, WrenClient):
        return "test token: nothing is bought" if client.is_test else "live: orders cost money"
    return "as the key says: live, or CNaught's own sandbox"


def _versions() -> Iterator[tuple[str, str]]:
    from wren_async.core.client import __version__

    yield "Versions", ""
    yield "  wren-async", __version__
    yield "  Python", sys.version.partition(" ")[0]
    yield from ((f"  {name}", _version(name)) for name in _LIBRARIES)
    yield "  batches over", _sent_over()
    missing = [extra for extra, module in _EXTRAS.items() if importlib.util.find_spec(module) is None]
    yield "  extras", ", ".join(extra for extra in _EXTRAS if extra not in missing)
    if missing:
        yield "  not installed", f"pip install 'wren-async[{','.join(missing)}]'"


def _sent_over() -> str:
    """Which HTTP library the orders of batches go over, as a report names it."""
    from wren_async.cli.http_library import http_library

    used = http_library()
    return (
        used if used.startswith("aiohttp") else f"{used}; the extra aiohttp sends several times as many orders a second"
    )


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
