"""Orders that nobody could send: of an API for which the batch was given no client."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs

from wren_async.batch.input.order_types import noted_apis
from wren_async.batch.intents import Api, api_of
from wren_async.batch.journal.contract import Journal, State
from wren_async.errors import InvalidConfiguration

_NAMED: Final = 5
_APIS: Final[tuple[Api, ...]] = ("wren", "cnaught")
_CLIENTS: Final[Mapping[Api, str]] = {"wren": "WrenClient", "cnaught": "CNaughtClient"}
_OPEN: Final = (State.PENDING, State.SENDING, State.UNDECIDED)


def give_client(api: Api) -> str:
    """What lets orders of an API be sent; the same for a batch, a worker and an outbox."""
    return f"give {api}={_CLIENTS[api]}(...)"


@attrs.define
class OrdersWithoutClient:
    """Counts such orders, and keeps the first lines of each API for the message."""

    given: Collection[Api]
    """The APIs that there are clients for."""
    remedy: Callable[[Api], str] = lambda api: f"there is no client for it: {give_client(api)}"
    """What to say of an API without a client."""
    _lines: dict[Api, list[int]] = attrs.field(factory=dict[Api, list[int]])
    _counts: dict[Api, int] = attrs.field(factory=dict[Api, int])

    def count(self, position: int, api: Api) -> bool:
        """Count an order if there is no client for its API, and return whether that is so."""
        if api in self.given:
            return False
        self._counts[api] = self._counts.get(api, 0) + 1
        lines = self._lines.setdefault(api, [])
        if len(lines) < _NAMED:
            lines.append(position)
        return True

    def check(self) -> None:
        """Raise `InvalidConfiguration`, which names the remedy, if there are any."""
        if self._counts:
            told = "; ".join(self._tell(api) for api in sorted(self._counts))
            raise InvalidConfiguration(f"{told}. Nothing was sent")

    def _tell(self, api: Api) -> str:
        lines, count = self._lines[api], self._counts[api]
        named = ", ".join(map(str, lines)) + (f" and {count - len(lines)} more" if count > len(lines) else "")
        place = f"lines {named} are orders" if count > 1 else f"line {named} is an order"
        return f"{place} of {api}, and {self.remedy(api)}"


async def check_clients(journal: Journal, given: Collection[Api], remedy: Callable[[Api], str] | None = None) -> None:
    """See that there is a client for every order that is still open. Raises `InvalidConfiguration`."""
    apis = await noted_apis(journal)
    if set(given) >= set(_APIS if apis is None else apis):
        return
    without_client = OrdersWithoutClient(given) if remedy is None else OrdersWithoutClient(given, remedy)
    async for entry in journal.entries(*_OPEN):
        without_client.count(entry.row.position, api_of(entry.row.intent))
    without_client.check()
