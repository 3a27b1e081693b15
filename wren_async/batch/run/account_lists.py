"""Which orders of a batch the accounts list, whatever the journal of the batch says.

Each list in which an order of the batch could be is read once. Memory holds one byte for each order that is looked for,
or its reference where that is the caller's own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from wren_async._generated.wren.models import OffsetOrder, ProjectDonation, TreeOrder
from wren_async._generated.wren.operations import offset_orders, project_donations, tree_orders
from wren_async.batch.intents import Api, WrenTrees
from wren_async.batch.journal.contract import Entry, Journal, State
from wren_async.batch.journal.notes import planned_at
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.core.reference import carried
from wren_async.core.values import UNSET
from wren_async.reconcile.listing import READ_FAILURES, Reader, read_list
from wren_async.reconcile.order_rows import note_of
from wren_async.wren import WrenClient

UNREADABLE: Final = READ_FAILURES
"""What reading the lists may raise."""

_MARGIN: Final = timedelta(days=1)
"""Room for clocks that were wrong when the batch was planned."""
Row = OffsetOrder | ProjectDonation | TreeOrder
"""A row of one of Wren's lists."""

_Rows = tuple[Callable[..., Call[Any]], str, type[Any]]
_BY_TONS: Final[tuple[_Rows, ...]] = (
    (offset_orders.list_offset_orders, "offsetOrders", OffsetOrder),
    (project_donations.list_project_donations, "", ProjectDonation),
)
_BY_TREES: Final[tuple[_Rows, ...]] = ((tree_orders.list_tree_orders, "treeOrders", TreeOrder),)


@attrs.define
class Sought:
    """Orders of a batch that are looked for, and what tells in which lists they could be."""

    root: str = ""
    """What the references of the batch begin with."""
    kinds: set[str] = attrs.field(factory=set[str])
    subaccounts: set[str | None] = attrs.field(factory=set[str | None])
    """Subaccounts of CNaught; `None` is the client's own, or its account."""
    _positions: bytearray = attrs.field(factory=bytearray)
    _own: dict[str, int] = attrs.field(factory=dict[str, int])
    """The positions of orders by references that do not tell them."""

    @classmethod
    async def of(cls, journal: Journal, *states: State) -> Sought:
        """The orders in these states."""
        sought = cls()
        async for entry in journal.entries(*states):
            sought.add(entry)
        return sought

    def position(self, reference: str) -> int | None:
        """The position of the order that has this reference; `None` where none of those that are looked for has it."""
        if reference in self._own:
            return self._own[reference]
        position = position_of(reference, self.root)
        if position is None or position >= len(self._positions):
            return None
        return position if self._positions[position] else None

    def add(self, entry: Entry) -> None:
        """Look for this order too."""
        intent = json.loads(entry.row.intent)
        self.kinds.add(intent["kind"])
        if intent["kind"].startswith("cnaught."):
            self.subaccounts.add(intent.get("subaccount_id"))
        root, _, number = entry.row.reference.rpartition("-")
        self.root = self.root or root
        if not root or root != self.root or number != str(entry.row.position):
            self._own[entry.row.reference] = entry.row.position
            return
        missing = entry.row.position + 1 - len(self._positions)
        self._positions.extend(bytes(max(0, missing)))
        self._positions[entry.row.position] = 1


def position_of(reference: str, root: str) -> int | None:
    """The position that a reference with this root tells; `None` where it tells none."""
    found, _, number = reference.rpartition("-")
    if not root or found != root or not number.isdecimal() or len(number) > 18:
        return None
    # A reference of the caller's own, such as `ride-01`, is not `ride-1`.
    return int(number) if number == str(int(number)) else None


async def listed_since(journal: Journal) -> datetime | None:
    """The time before which no list shows an order of a batch; `None` where that is not known."""
    planned = await planned_at(journal)
    return None if planned is None else planned - _MARGIN


async def shown(sought: Sought, clients: Mapping[Api, BaseClient], since: datetime | None) -> AsyncGenerator[int, None]:
    """The positions of orders that the lists show. A list that cannot be read raises one of `UNREADABLE`.

    Args:
        sought: The orders to look for.
        clients: The clients; the lists of an API without one are left out.
        since: No order of the batch is older; `None` where that is not known.
    """
    async for text in _texts(sought, clients, since):
        reference = carried(text)
        if reference is not None and (position := sought.position(reference)) is not None:
            yield position


async def _texts(
    sought: Sought, clients: Mapping[Api, BaseClient], since: datetime | None
) -> AsyncGenerator[str | None, None]:
    wren, cnaught = clients.get("wren"), clients.get("cnaught")
    # What is ordered with a test token is in no list.
    if isinstance(wren, WrenClient) and not wren.is_test:
        async for row in _wren_rows(sought.kinds, wren):
            yield note_of(row)
    if isinstance(cnaught, CNaughtClient):
        for subaccount_id in sorted(sought.subaccounts, key=str):
            within = UNSET if subaccount_id is None else subaccount_id
            async for order in cnaught.orders.list(limit=100, subaccount_id=within):
                if since is not None and order.created_on is not None and order.created_on < since:
                    break
                yield order.metadata


async def shown_by_wren(
    kinds: Collection[str], root: str, wren: WrenClient
) -> AsyncGenerator[tuple[int, str, Row], None]:
    """What Wren's lists show of a batch whose references have this root: position, reference and row of each order.

    Raises as `shown` does.

    Args:
        kinds: The types of its orders.
        root: What its references begin with.
        wren: The client.
    """
    async for row in _wren_rows(kinds, wren):
        reference = carried(note_of(row))
        if reference is not None and (position := position_of(reference, root)) is not None:
            yield position, reference, row


async def _wren_rows(kinds: Collection[str], wren: WrenClient) -> AsyncGenerator[Row, None]:
    by_tons = any(kind.startswith("wren.") and kind != WrenTrees.kind for kind in kinds)
    by_trees = WrenTrees.kind in kinds
    for list_rows, name, form in (*(_BY_TONS if by_tons else ()), *(_BY_TREES if by_trees else ())):
        async for row in read_list(Reader(wren), list_rows(), name, form):
            yield row
