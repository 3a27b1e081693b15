"""The clients that a batch needs, made from the environment alone: tokens never stand on a command line."""

from __future__ import annotations

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
from wren_async.cli.environment import ADDRESSES, TOKENS, has_token
from wren_async.cli.http_library import new_backend
from wren_async.cnaught import CNaughtClient
from wren_async.core.telemetry import Telemetry
from wren_async.wren import WrenClient

APIS: Final[tuple[Api, ...]] = ("wren", "cnaught")
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
async def access(
    concurrency: int = 1, *, patience: float = 10.0, telemetry: Telemetry | None = None
) -> AsyncIterator[Access]:
    """Open the clients; on leaving, wait up to `patience` seconds for what is on the wire."""
    most = max(_IN_FLIGHT, concurrency)
    absent = _absent()
    wren = cnaught = None
    if "wren" not in absent:
        wren = WrenClient(max_in_flight=most, http_client=new_backend(), telemetry=telemetry)
    if "cnaught" not in absent:
        cnaught = CNaughtClient(max_in_flight=most, http_client=new_backend(), telemetry=telemetry)
    try:
        yield Access(wren=wren, cnaught=cnaught)
    finally:
        for client in (wren, cnaught):
            if client is not None:
                await client.aclose(patience)


async def check_file(path: Path, reading: Reading) -> None:
    """Refuse an input with orders of an API for which the environment has no token, before a journal is made of it."""
    given = set(APIS) - _absent()
    if len(given) == len(APIS):
        return
    without_token = OrdersWithoutClient(given, _remedy)
    async for row in read(path, reading):
        if isinstance(row, Line):
            without_token.count(row.position, row.intent.api)
    without_token.check()


async def check_journal(journal: Journal) -> None:
    """Refuse a batch with open orders of an API for which the environment has no token."""
    await check_clients(journal, set(APIS) - _absent(), _remedy)


def _absent() -> set[Api]:
    return {api for api in APIS if not has_token(api)}


def _remedy(api: Api) -> str:
    return (
        f"its token is not there: set {TOKENS[api]} in the environment, and {ADDRESSES[api]} for another "
        "server than its own"
    )
