"""`wren-async doctor`: what the commands find when they look around. Never a token."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from wren_async.cli.exits import Exit
from wren_async.cli.terminal import output, show, table
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import __version__
from wren_async.errors import AccessRefused, InvalidConfiguration, WrenAsyncError
from wren_async.http.address import read_address
from wren_async.wren import WrenClient

_LIBRARIES: Final = ("httpx", "aiohttp", "cyclopts", "starlette")
_HEAD: Final = ("", "variable", "server", "mode", "reached")


def doctor() -> Exit:
    """Show which tokens are set, for which servers, whether they answer, and the versions. It changes nothing.

    Each server is asked for something that is only read. No token is shown.
    """
    rows = asyncio.run(_look())
    show(output(), table(_HEAD, rows))
    found = [("wren-async", __version__), ("Python", sys.version.partition(" ")[0])]
    found += [(name, _version(name)) for name in _LIBRARIES]
    show(output(), table(("", "version"), found))
    reached = [row[-1] for row in rows if row[-1]]
    if any("refused" in each for each in reached):
        return Exit.CREDENTIALS
    return Exit.ALL_PLACED if reached and all(each == "yes" for each in reached) else Exit.UNFINISHED


async def _look() -> list[tuple[str, str, str, str, str]]:
    return [
        await _one("Wren", "WREN_API_TOKEN", WrenClient),
        await _one("CNaught", "CNAUGHT_API_KEY", CNaughtClient),
    ]


async def _one(name: str, variable: str, kind: type[WrenClient | CNaughtClient]) -> tuple[str, str, str, str, str]:
    if not os.environ.get(variable, "").strip():
        return name, f"{variable} is not set", "", "", ""
    try:
        client = kind()
    except InvalidConfiguration as error:
        return name, variable, "", "", f"no: {error}"
    async with client:
        return name, variable, client.base_url, _mode(client), await _reached(client)


async def _reached(client: WrenClient | CNaughtClient) -> str:
    try:
        await client.with_options(retries=0, timeout=10.0).portfolios.list()
    except AccessRefused as error:
        return f"yes, and the token was refused ({error.status})"
    except WrenAsyncError as error:
        return f"no: {error}"
    return "yes"


def _mode(client: WrenClient | CNaughtClient) -> str:
    if read_address(client.base_url).is_loopback:
        return "on this machine"
    if isinstance(client, WrenClient):
        return "test token" if client.is_test else "live: orders cost money"
    return "as the key says: live, or CNaught's own sandbox"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
