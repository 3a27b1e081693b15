"""Batches: many orders from a file, placed once each, whatever happens on the way.

    from wren_async.batch import Batch, Caps

    async with Batch("rides.journal", cnaught=cnaught, caps=Caps(cents=50_000)) as batch:
        plan = await batch.plan("rides.csv")
        async for event in batch.run():
            print(event)

The names below load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.batch.events import Alarm, Ended, Ending, Event, Paused, Planning, Progress, Returned, Settled
    from wren_async.batch.input.changes import ChangedRow, Changes, find_changes, write_changes
    from wren_async.batch.input.faults import Fault, InvalidInput
    from wren_async.batch.input.planner import InputChanged, Plan
    from wren_async.batch.input.readers import Source
    from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
    from wren_async.batch.journal.contract import Entry, Journal, JournalError, Result, Row, State, Totals
    from wren_async.batch.journal.memory import MemoryJournal
    from wren_async.batch.journal.postgres.store import PostgresJournal
    from wren_async.batch.journal.sqlite import SqliteJournal
    from wren_async.batch.run.batch import Batch
    from wren_async.batch.run.budget import Caps
    from wren_async.batch.run.service import WorkerService

_HOMES = {
    "wren_async.batch.run.budget": "Caps",
    "wren_async.batch.events": "Alarm Ended Ending Event Paused Planning Progress Returned Settled",
    "wren_async.batch.intents": "CNaughtMass CNaughtPrice Intent WrenOffset WrenProject WrenTrees",
    "wren_async.batch.journal.contract": "Entry Journal JournalError Result Row State Totals",
    "wren_async.batch.journal.memory": "MemoryJournal",
    "wren_async.batch.journal.postgres.store": "PostgresJournal",
    "wren_async.batch.run.service": "WorkerService",
    "wren_async.batch.input.planner": "InputChanged Plan",
    "wren_async.batch.input.changes": "ChangedRow Changes find_changes write_changes",
    "wren_async.batch.input.faults": "Fault InvalidInput",
    "wren_async.batch.input.readers": "Source",
    "wren_async.batch.run.batch": "Batch",
    "wren_async.batch.journal.sqlite": "SqliteJournal",
}
__all__ = [
    "Alarm",
    "Batch",
    "CNaughtMass",
    "CNaughtPrice",
    "Caps",
    "ChangedRow",
    "Changes",
    "Ended",
    "Ending",
    "Entry",
    "Event",
    "Fault",
    "InputChanged",
    "Intent",
    "InvalidInput",
    "Journal",
    "JournalError",
    "MemoryJournal",
    "Paused",
    "Plan",
    "Planning",
    "PostgresJournal",
    "Progress",
    "Result",
    "Returned",
    "Row",
    "Settled",
    "Source",
    "SqliteJournal",
    "State",
    "Totals",
    "WorkerService",
    "WrenOffset",
    "WrenProject",
    "WrenTrees",
    "find_changes",
    "write_changes",
]


__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
