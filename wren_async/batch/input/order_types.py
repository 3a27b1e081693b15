"""Which kinds of orders a batch holds: noted when it is planned, so that nobody has to walk through it to know."""

from __future__ import annotations

from collections.abc import Collection

from wren_async.batch.intents import KINDS, Api
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note, read_note


async def note_kinds(journal: Journal, kinds: Collection[str]) -> None:
    """Note the kinds of the orders of a batch."""
    await journal.note(Note.KINDS, " ".join(sorted(kinds)))


async def noted_kinds(journal: Journal) -> Collection[str] | None:
    """The kinds of the orders of a batch; `None` where they were not noted, as in journals of earlier versions."""
    noted = await journal.noted(Note.KINDS)
    return None if noted is None else noted.split()


async def noted_apis(journal: Journal) -> Collection[Api] | None:
    """The APIs that the orders of a batch are for; `None` where that was not noted, and only a walk can tell."""
    kinds = await noted_kinds(journal)
    return None if kinds is None else {read_note(Note.KINDS, kind, lambda name: KINDS[name].api) for kind in kinds}
