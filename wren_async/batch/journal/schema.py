"""The layout of a journal on disk: its tables, the rules the database itself enforces, and whether a file is one."""

from __future__ import annotations

import sqlite3
import uuid

from wren_async.batch.journal.contract import JournalError

APPLICATION_ID = 0x5752454E
"""Marks an SQLite file as a journal of this library."""
VERSION = 1
"""Version of the layout that this code reads and writes."""

_SCHEMA = """
CREATE TABLE batch (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    source_digest TEXT
) STRICT;

CREATE TABLE orders (
    position INTEGER PRIMARY KEY CHECK (position >= 1),
    intent TEXT NOT NULL,
    digest TEXT NOT NULL,
    reference TEXT NOT NULL,
    key TEXT NOT NULL
) STRICT;

-- Apart from the intents, so that what changes is narrow: many orders share a page, and a commit writes few pages.
CREATE TABLE standing (
    position INTEGER PRIMARY KEY REFERENCES orders (position),
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'undecided', 'placed', 'refused')),
    planned_cents INTEGER NOT NULL,
    planned_grams INTEGER NOT NULL,
    order_id TEXT,
    cents INTEGER,
    kilograms TEXT,
    grams INTEGER,
    certificate TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    replayed INTEGER NOT NULL DEFAULT 0,
    reconciled INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    first_sent TEXT,
    last_sent TEXT
) STRICT;

CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE tally (
    state TEXT PRIMARY KEY,
    orders INTEGER NOT NULL DEFAULT 0,
    planned_cents INTEGER NOT NULL DEFAULT 0,
    planned_grams INTEGER NOT NULL DEFAULT 0,
    spent_cents INTEGER NOT NULL DEFAULT 0,
    spent_grams INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO tally (state) VALUES ('pending'), ('sending'), ('undecided'), ('placed'), ('refused');

CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'an order is never removed'); END;

CREATE TRIGGER orders_are_fixed BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'an intent never changes'); END;

CREATE TRIGGER orders_come_before_the_seal BEFORE INSERT ON orders
WHEN (SELECT source_digest FROM batch) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'all rows of the input were taken in already'); END;

CREATE TRIGGER standing_is_kept BEFORE DELETE ON standing
BEGIN SELECT RAISE(ABORT, 'an order is never removed'); END;

CREATE TRIGGER standing_starts_pending BEFORE INSERT ON standing
WHEN NEW.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'an order starts as pending'); END;

CREATE TRIGGER standing_moves BEFORE UPDATE ON standing
WHEN NOT (
    NEW.position = OLD.position
    AND NEW.planned_cents = OLD.planned_cents
    AND NEW.planned_grams = OLD.planned_grams
    AND CASE OLD.state
        WHEN 'pending' THEN NEW.state = 'sending'
        WHEN 'sending' THEN NEW.state IN ('pending', 'undecided', 'placed', 'refused')
        WHEN 'undecided' THEN NEW.state IN ('undecided', 'placed', 'refused')
            OR (NEW.state = 'pending' AND NEW.reconciled)
        ELSE 0
    END
)
BEGIN SELECT RAISE(ABORT, 'an order cannot move so'); END;

CREATE TRIGGER standing_enters_the_tally AFTER INSERT ON standing
BEGIN
    UPDATE tally SET
        orders = orders + 1,
        planned_cents = planned_cents + NEW.planned_cents,
        planned_grams = planned_grams + NEW.planned_grams
    WHERE state = NEW.state;
END;

CREATE TRIGGER standing_moves_the_tally AFTER UPDATE ON standing
WHEN NEW.state <> OLD.state
BEGIN
    UPDATE tally SET
        orders = orders - 1,
        planned_cents = planned_cents - OLD.planned_cents,
        planned_grams = planned_grams - OLD.planned_grams
    WHERE state = OLD.state;
    UPDATE tally SET
        orders = orders + 1,
        planned_cents = planned_cents + NEW.planned_cents,
        planned_grams = planned_grams + NEW.planned_grams,
        spent_cents = spent_cents + iif(NEW.state = 'placed', coalesce(NEW.cents, NEW.planned_cents), 0),
        spent_grams = spent_grams + iif(NEW.state = 'placed', coalesce(NEW.grams, NEW.planned_grams), 0)
    WHERE state = NEW.state;
END;
"""

_TALLY = "SELECT state, orders, planned_cents, planned_grams, spent_cents, spent_grams FROM tally WHERE orders <> 0"
_RECOUNT = """
SELECT state, count(*), sum(planned_cents), sum(planned_grams),
    sum(iif(state = 'placed', coalesce(cents, planned_cents), 0)),
    sum(iif(state = 'placed', coalesce(grams, planned_grams), 0))
FROM standing GROUP BY state
"""


def prepare(connection: sqlite3.Connection, size: int | None) -> bool:
    """Make an empty file a journal, or see that a file is a whole one. Returns whether it was made now.

    A file that is none is left as it is. `size` is the bytes of the file, where it has no log beside it.
    """
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    is_new = application == 0 and version == 0 and not _layout(connection)
    if not is_new:
        _check(connection, application, version, size)
    # The only step outside a transaction. Killed after it, the file is still an empty database, and made anew.
    connection.execute("PRAGMA journal_mode = WAL")
    if is_new:
        _create(connection)
    return is_new


def check(connection: sqlite3.Connection) -> None:
    """See that a file is a whole journal. Raises `JournalError`, which names the remedy."""
    _check(connection, _pragma(connection, "application_id"), _pragma(connection, "user_version"), None)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(_SCHEMA):
        connection.execute(statement)
    connection.execute("INSERT INTO batch (only, id) VALUES (1, ?)", (uuid.uuid4().hex,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, application: int, version: int, size: int | None) -> None:
    if application != APPLICATION_ID:
        raise JournalError("a database, but not the journal of a batch; name another file")
    if version > VERSION:
        raise JournalError(
            f"written by a newer wren-async (journal version {version}, this one reads up to {VERSION}); "
            "upgrade wren-async"
        )
    problem = _damage(connection, version, size or 0)
    if problem:
        raise damaged(problem)


def _damage(connection: sqlite3.Connection, version: int, size: int) -> str | None:
    """What is wrong with a journal: its pages, its rules, or sums that do not agree with its orders."""
    if version < 1 or _layout(connection) != _expected_layout():
        return "its tables or rules are not as they were made"
    if size % _pragma(connection, "page_size"):
        return "its last page is not whole"
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        return str(verdict)
    if connection.execute("SELECT count(*) FROM batch").fetchone() != (1,):
        return "its batch has no id"
    if set(connection.execute(_TALLY)) != set(connection.execute(_RECOUNT)):
        return "its sums do not agree with its orders"
    return None


def damaged(problem: object) -> JournalError:
    """The error of a file that cannot be trusted."""
    return JournalError(
        f"no journal, or a damaged one ({problem}); restore it from a copy, together with its -wal file. Do not start "
        "the batch anew without it: only the journal knows what may have been placed"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _layout(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    return set(connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def _expected_layout() -> set[tuple[str, str, str]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_SCHEMA)
        return _layout(connection)
    finally:
        connection.close()


def _statements(script: str) -> list[str]:
    # `executescript` would commit first, and the whole schema has to come at once or not at all.
    statements: list[str] = []
    rest = ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest.strip())
            rest = ""
    return statements
