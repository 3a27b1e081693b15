"""Batches: many orders from a file, placed once each, whatever happens on the way.

    from wren_async.batch import Batch, Caps

    async with Batch("rides.journal", cnaught=cnaught, caps=Caps(cents=50_000)) as batch:
        plan = await batch.plan("rides.csv")
        async for event in batch.run():
            print(event)

The names below load when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wren_async.batch.budget import Caps
    from wren_async.batch.events import Alarm, Ended, Ending, Event, Paused, Progress, Returned, Settled
    from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
    from wren_async.batch.journal import Entry, Journal, JournalError, Result, Row, State, Totals
    from wren_async.batch.memory import MemoryJournal
    from wren_async.batch.plan import InputChanged, Plan
    from wren_async.batch.reading import Fault, InvalidInput, Source
    from wren_async.batch.runner import Batch
    from wren_async.batch.sqlite import SqliteJournal

_HOMES = {
    "budget": "Caps",
    "events": "Alarm Ended Ending Event Paused Progress Returned Settled",
    "intents": "CNaughtMass CNaughtPrice Intent WrenOffset WrenProject WrenTrees",
    "journal": "Entry Journal JournalError Result Row State Totals",
    "memory": "MemoryJournal",
    "plan": "InputChanged Plan",
    "reading": "Fault InvalidInput Source",
    "runner": "Batch",
    "sqlite": "SqliteJournal",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Alarm",
    "Batch",
    "CNaughtMass",
    "CNaughtPrice",
    "Caps",
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
    "Progress",
    "Result",
    "Returned",
    "Row",
    "Settled",
    "Source",
    "SqliteJournal",
    "State",
    "Totals",
    "WrenOffset",
    "WrenProject",
    "WrenTrees",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
