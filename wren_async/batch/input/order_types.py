"""Which types of orders a batch holds: noted when it is planned, so that nobody has to walk through it to know."""

from __future__ import annotations

from collections.abc import Collection

from wren_async.batch.intents import ORDER_TYPES, Api, CNaughtPrice
from wren_async.batch.journal.contract import Journal
from wren_async.batch.run.budget import Caps
from wren_async.errors import InvalidArgument

_NOTE = "order types"


async def note_order_types(journal: Journal, names: Collection[str]) -> None:
    """Note the types of the orders of a batch."""
    await journal.note(_NOTE, " ".join(sorted(names)))


async def noted_order_types(journal: Journal) -> Collection[str] | None:
    """The types of the orders of a batch; `None` where they were not noted, because its planning was broken off."""
    noted = await journal.noted(_NOTE)
    return None if noted is None else noted.split()


async def noted_apis(journal: Journal) -> Collection[Api] | None:
    """The APIs that the orders of a batch are for; `None` where that was not noted, and only a walk can tell."""
    names = await noted_order_types(journal)
    return None if names is None else {ORDER_TYPES[name].api for name in names}


async def check_caps(journal: Journal, caps: Caps) -> None:
    """Refuse a cap on mass over orders by price: it could not hold them. Raises `InvalidArgument`."""
    if caps.kilograms is not None and CNaughtPrice.kind in (await noted_order_types(journal) or ()):
        raise InvalidArgument(
            "caps",
            "has kilograms, and the batch has orders by price, whose mass CNaught tells only once they are placed: cap "
            "their cents instead, or order by amount_kg",
        )
