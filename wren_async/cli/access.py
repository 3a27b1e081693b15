"""The clients that a batch needs, made from the environment alone: tokens never stand on a command line."""

from __future__ import annotations

import difflib
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.input.orders_without_client import OrdersWithoutClient, check_clients
from wren_async.batch.input.readers import read
from wren_async.batch.input.row_values import Line, Reading
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal, State
from wren_async.cli.exits import Stop
from wren_async.cli.http_library import new_backend
from wren_async.cnaught import CNaughtClient
from wren_async.wren import WrenClient

_VARIABLES: Final[dict[Api, str]] = {"wren": "WREN_API_TOKEN", "cnaught": "CNAUGHT_API_KEY"}
_IN_FLIGHT: Final = 100
OPEN_STATES: Final = (State.PENDING, State.SENDING, State.UNDECIDED)


@attrs.frozen(kw_only=True)
class Access:
    """The clients of the APIs for which the environment has a token."""

    wren: WrenClient | None = None
    cnaught: CNaughtClient | None = None

    def is_free(self, apis: Iterable[Api]) -> bool:
        """Whether orders of these APIs move no money: they go to Wren, with a test token."""
        return set(apis) <= {"wren"} and self.wren is not None and self.wren.is_test

    def servers(self, apis: Iterable[Api]) -> list[str]:
        """Where orders of these APIs go."""
        by_api = {"wren": self.wren, "cnaught": self.cnaught}
        return [client.base_url for api in sorted(apis) if (client := by_api[api]) is not None]


@asynccontextmanager
async def access(concurrency: int = 1, *, patience: float = 10.0) -> AsyncIterator[Access]:
    """Open the clients; on leaving, wait up to `patience` seconds for what is on the wire."""
    most = max(_IN_FLIGHT, concurrency)
    absent = _absent()
    wren = None if "wren" in absent else WrenClient(max_in_flight=most, http_client=new_backend())
    cnaught = None if "cnaught" in absent else CNaughtClient(max_in_flight=most, http_client=new_backend())
    try:
        yield Access(wren=wren, cnaught=cnaught)
    finally:
        for client in (wren, cnaught):
            if client is not None:
                await client.aclose(patience)


async def check_file(path: Path, reading: Reading) -> None:
    """Refuse an input with orders of an API for which the environment has no token, before a journal is made of it."""
    given = _VARIABLES.keys() - _absent()
    if given == _VARIABLES.keys():
        return
    without_token = OrdersWithoutClient(given, _remedy)
    async for row in read(path, reading):
        if isinstance(row, Line):
            without_token.take(row.position, row.intent.api)
    without_token.check()


async def check_journal(journal: Journal) -> None:
    """Refuse a batch with open orders of an API for which the environment has no token."""
    await check_clients(journal, _VARIABLES.keys() - _absent(), _remedy)


def _absent() -> set[Api]:
    return {api for api, variable in _VARIABLES.items() if not os.environ.get(variable, "").strip()}


def _remedy(api: Api) -> str:
    return (
        f"its token is not there: set {_VARIABLES[api]} in the environment, and {api.upper()}_BASE_URL for another "
        "server than its own"
    )


def check_exists(path: Path) -> None:
    """Refuse a journal that is not there: opening it would make one."""
    if path.exists():
        return
    there = [each.name for each in path.parent.glob("*.journal")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(f"{path.name.removesuffix('.journal')}.journal", there, n=1)
    told = (
        f"did you mean {path.with_name(near[0])}?" if near else f"the journals there are: {', '.join(there) or 'none'}."
    )
    raise Stop(
        f"{path}: there is no such journal; {told} If it was lost, do not order its file anew: "
        "`wren-async batch run FILE --continues BATCH_ID` first finds what was placed"
    )
