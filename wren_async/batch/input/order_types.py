"""The types of a batch's orders, and how they are paid: noted when it is planned, so that nobody walks its rows."""

from __future__ import annotations

from collections.abc import Collection

from wren_async.batch.intents import ORDER_TYPES, Api
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note, read_note


async def note_order_types(journal: Journal, names: Collection[str]) -> None:
    """Note the types of the orders of a batch."""
    await journal.note(Note.ORDER_TYPES, " ".join(sorted(names)))


async def noted_order_types(journal: Journal) -> Collection[str] | None:
    """The types of the orders of a batch; `None` where they were not noted, because its planning was broken off."""
    noted = await journal.noted(Note.ORDER_TYPES)
    return None if noted is None else noted.split()


async def noted_apis(journal: Journal) -> Collection[Api] | None:
    """The APIs that the orders of a batch are for; `None` where that was not noted, and only a walk can tell."""
    names = await noted_order_types(journal)
    if names is None:
        return None
    return {read_note(journal, Note.ORDER_TYPES, name, lambda each: ORDER_TYPES[each].api) for name in names}


async def note_payment_methods(journal: Journal, names: Collection[str]) -> None:
    """Note how the orders of Wren in a batch are paid."""
    await journal.note(Note.PAYMENT_METHODS, " ".join(sorted(names)))


async def noted_payment_methods(journal: Journal) -> Collection[str] | None:
    """How the orders of Wren in a batch are paid; `None` where that was not noted."""
    noted = await journal.noted(Note.PAYMENT_METHODS)
    return None if noted is None else noted.split()
