"""Batches: many orders from a file, placed once each, whatever happens on the way.

    from wren_async.batch import Batch, Caps

    async with Batch("rides.journal", cnaught=cnaught, caps=Caps(cents=50_000)) as batch:
        plan = await batch.plan("rides.csv")
        async for event in batch.run():
            print(event)

What became of it, also while a run is on: `report_rows("rides.journal")`, and as files `write_csv` and its like.

The names below load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import is_installed, lazy

if TYPE_CHECKING:
    from wren_async.batch.events import (
        Alarm,
        BatchTelemetry,
        Ended,
        Ending,
        Event,
        Paused,
        Planning,
        Progress,
        Returned,
        Settled,
    )
    from wren_async.batch.input.changes import ChangedRow, Changes, find_changes, write_changes
    from wren_async.batch.input.faults import Fault, InvalidInput
    from wren_async.batch.input.planner import InputChanged, Plan
    from wren_async.batch.input.readers import Source
    from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
    from wren_async.batch.journal.contract import Entry, Journal, JournalError, Result, Row, State, Totals
    from wren_async.batch.journal.memory import MemoryJournal
    from wren_async.batch.journal.postgres.store import PostgresJournal
    from wren_async.batch.journal.sqlite import SqliteJournal
    from wren_async.batch.report.audit import Audit, Difference, audit_books
    from wren_async.batch.report.columns import REPORT_COLUMNS, Column
    from wren_async.batch.report.files import write_csv, write_json
    from wren_async.batch.report.page import html_page, write_page
    from wren_async.batch.report.parquet import write_parquet
    from wren_async.batch.report.rows import ReportRow, report_rows
    from wren_async.batch.report.summary import Report, read_report
    from wren_async.batch.run.batch import Batch
    from wren_async.batch.run.budget import Caps
    from wren_async.batch.run.service import WorkerService

_HOMES = {
    "wren_async.batch.run.budget": "Caps",
    "wren_async.batch.events": "Alarm BatchTelemetry Ended Ending Event Paused Planning Progress Returned Settled",
    "wren_async.batch.intents": "CNaughtMass CNaughtPrice Intent WrenOffset WrenProject WrenTrees",
    "wren_async.batch.journal.contract": "Entry Journal JournalError Result Row State Totals",
    "wren_async.batch.journal.memory": "MemoryJournal",
    "wren_async.batch.journal.postgres.store": "PostgresJournal",
    "wren_async.batch.run.service": "WorkerService",
    "wren_async.batch.input.planner": "InputChanged Plan",
    "wren_async.batch.input.changes": "ChangedRow Changes find_changes write_changes",
    "wren_async.batch.input.faults": "Fault InvalidInput",
    "wren_async.batch.input.readers": "Source",
    "wren_async.batch.report.audit": "Audit Difference audit_books",
    "wren_async.batch.report.columns": "Column REPORT_COLUMNS",
    "wren_async.batch.report.files": "write_csv write_json",
    "wren_async.batch.report.page": "html_page write_page",
    "wren_async.batch.report.parquet": "write_parquet",
    "wren_async.batch.report.rows": "ReportRow report_rows",
    "wren_async.batch.report.summary": "Report read_report",
    "wren_async.batch.run.batch": "Batch",
    "wren_async.batch.journal.sqlite": "SqliteJournal",
}
__all__ = [
    "REPORT_COLUMNS",
    "Alarm",
    "Audit",
    "Batch",
    "BatchTelemetry",
    "CNaughtMass",
    "CNaughtPrice",
    "Caps",
    "ChangedRow",
    "Changes",
    "Column",
    "Difference",
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
    "Progress",
    "Report",
    "ReportRow",
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
    "audit_books",
    "find_changes",
    "html_page",
    "read_report",
    "report_rows",
    "write_changes",
    "write_csv",
    "write_json",
    "write_page",
    "write_parquet",
]
if is_installed("psycopg"):
    # Not without: whoever takes `*`, and keeps batches in files, needs no extra.
    __all__ += ["PostgresJournal", "WorkerService"]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
