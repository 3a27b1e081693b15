"""The tables of an outbox in a file, beside those of its journal: made, brought up to date, and checked."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from wren_async.batch.journal.contract import JournalError
from wren_async.batch.journal.database import savepoint
from wren_async.batch.journal.records import time_text

NAME: Final = "outbox name"
"""Name of the note that says which outbox the file is."""

_VERSION_1: Final = """
CREATE TABLE outbox_submission (
    position INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    api TEXT NOT NULL,
    submitted TEXT NOT NULL,
    intent TEXT, -- in the journal, together with the key, once the order is there
    key TEXT,
    day TEXT, -- on which it was reserved for
    finished INTEGER
) STRICT;
CREATE INDEX outbox_unplanned ON outbox_submission (api, position) WHERE intent IS NOT NULL;
CREATE INDEX outbox_open ON outbox_submission (position) WHERE finished IS NULL;
CREATE UNIQUE INDEX outbox_finished ON outbox_submission (finished) WHERE finished IS NOT NULL;
CREATE TABLE outbox_day (day TEXT PRIMARY KEY, cents INTEGER NOT NULL, grams INTEGER NOT NULL) STRICT
"""
_SHARED_NOTES: Final = "('planned', 'doubt', 'reconciling', 'alarm', 'outbox halted')"
_VERSION_2: Final = f"""
ALTER TABLE outbox_submission ADD COLUMN settled TEXT;
ALTER TABLE outbox_submission ADD COLUMN kept_state TEXT; -- what is left of an order that was pruned
ALTER TABLE outbox_submission ADD COLUMN kept_order_id TEXT;
ALTER TABLE outbox_submission ADD COLUMN kept_cents INTEGER;
UPDATE outbox_submission SET settled = :now WHERE finished IS NOT NULL;
CREATE INDEX outbox_open_of_api ON outbox_submission (api, position) WHERE finished IS NULL;
CREATE INDEX outbox_unpruned ON outbox_submission (finished) WHERE finished IS NOT NULL AND kept_state IS NULL;
-- Sums over the orders that were pruned, in the columns of the tally, which counts those that are there.
CREATE TABLE outbox_pruned (
    state TEXT PRIMARY KEY,
    orders INTEGER NOT NULL,
    planned_cents INTEGER NOT NULL,
    planned_grams INTEGER NOT NULL,
    spent_cents INTEGER NOT NULL,
    spent_grams INTEGER NOT NULL,
    unknown_orders INTEGER NOT NULL,
    unknown_cents INTEGER NOT NULL
) STRICT;
-- Each API has a doubt and a halt of its own.
INSERT INTO note SELECT 'wren ' || name, value FROM note WHERE name IN {_SHARED_NOTES};
INSERT INTO note SELECT 'cnaught ' || name, value FROM note WHERE name IN {_SHARED_NOTES};
DELETE FROM note WHERE name IN {_SHARED_NOTES};
CREATE TABLE outbox_layout (version INTEGER NOT NULL) STRICT;
INSERT INTO outbox_layout VALUES (2)
"""  # noqa: S608 - made of constants
_STEPS: Final = (_VERSION_1, _VERSION_2)
"""What brings the tables from each version to the next. The first makes them."""


def lay_out(connection: sqlite3.Connection, name: str, now: datetime) -> None:
    """Make the tables, or bring them up to date. Raises `JournalError` where the file is something else."""
    has = _version(connection)
    if has > len(_STEPS):
        raise JournalError(
            f"has version {has} of an outbox; this wren-async knows up to {len(_STEPS)}: upgrade it here"
        )
    if not has and connection.execute("SELECT EXISTS (SELECT * FROM orders)").fetchone() == (1,):
        raise JournalError("is the journal of a batch, and an outbox takes a file of its own")
    with savepoint(connection):
        for step in _STEPS[has:]:
            for statement in filter(None, map(str.strip, step.split(";"))):
                given = {"now": time_text(now)} if ":now" in statement else {}
                connection.execute(statement, given)
        _check_name(connection, name, is_new=not has)


def _version(connection: sqlite3.Connection) -> int:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'outbox_*'")}
    if "outbox_layout" in tables:
        return int(connection.execute("SELECT version FROM outbox_layout").fetchone()[0])
    return int("outbox_submission" in tables)


def _check_name(connection: sqlite3.Connection, name: str, *, is_new: bool) -> None:
    """A file holds one outbox: under another name its orders would not be found again in the account."""
    found = connection.execute("SELECT value FROM note WHERE name = ?", (NAME,)).fetchone()
    known = name if is_new else "main" if found is None else found[0]
    if known != name:
        raise JournalError(f"is the outbox {known!r}, and not {name!r}: another outbox takes a file of its own")
    connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (NAME, name))
