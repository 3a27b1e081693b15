"""Where the orders of a batch went: the servers that its journal names, and whether anything real was bought there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from wren_async.batch.input.order_types import noted_apis
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import server_of

Rehearsal: TypeAlias = Literal["sandbox", "test token"]
"""Why nothing real was bought: the server is one on this machine or CNaught's sandbox, or the token one for tests."""

APIS: Final[tuple[Api, ...]] = get_args(Api)
_TEST_TOKEN: Final = "(test token)"  # noqa: S105 - no secret, but what the journal says of one

_SANDBOX_ID: Final = "_sandbox"


async def noted_servers(journal: Journal) -> Mapping[Api, str]:
    """The servers that the orders of a batch go to, as the journal names them: only those of APIs that it orders of."""
    ordered = await noted_apis(journal)
    servers: dict[Api, str] = {}
    for api in APIS:
        if (ordered is None or api in ordered) and (server := await journal.noted(server_of(api))) is not None:
            servers[api] = server
    return servers


def is_sandbox_id(api: Api, order_id: str | None) -> bool:
    """Whether an order was placed in CNaught's own sandbox: it has the address of the real one, and ids of its own."""
    return api == "cnaught" and order_id is not None and order_id.endswith(_SANDBOX_ID)


def rehearsal_at(server: str | None) -> Rehearsal | None:
    """Why nothing real was bought at a server, as the journal names it; `None` where real orders may have been."""
    if server is None:
        return None
    if server.endswith(_TEST_TOKEN):
        return "test token"
    host = urlsplit(server.partition(" ")[0]).hostname or ""
    return "sandbox" if host in ("localhost", "::1") or host.startswith("127.") else None
