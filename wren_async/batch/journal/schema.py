"""The layout of a journal on disk: its tables, the rules the database itself enforces, and whether a file is one.

While a run is on, the main file itself carries a mark in its header, outside of the write-ahead log. A file with the
mark and without its log is older than its run.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from wren_async.batch.journal import states
from wren_async.batch.journal.contract import JournalError, State

AT_REST: Final = 0x5752454E
"""Application id of an SQLite file that is a journal of this library, and in which no run is on."""
RUN_ON: Final = 0x57524552
"""Application id of a journal whose run is on, or was broken off: the main file means nothing without its log."""
VERSION = 1
"""Version of the layout that this code reads and writes."""
_LONGEST_TOLD: Final = 200

T = TypeVar("T")


_STEP: Final = states.sql(states.TRANSITIONS, was="OLD.state", becomes="NEW.state")
_STEP_WITH_PROOF: Final = states.sql(
    (step for step in states.TRANSITIONS if step.needs_proof), was="OLD.state", becomes="NEW.state"
)
_STATES: Final = ", ".join(f"'{state}'" for state in State)
_SCHEMA = f"""
CREATE TABLE batch (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    file TEXT NOT NULL,
    runs INTEGER NOT NULL DEFAULT 0,
    source_digest TEXT
) STRICT;

CREATE TABLE orders (
    position INTEGER PRIMARY KEY CHECK (position >= 1),
    intent TEXT NOT NULL,
    digest TEXT NOT NULL,
    reference TEXT NOT NULL,
    key TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT;

-- Apart from the intents, so that what changes is narrow: many orders share a page, and a commit writes few pages.
CREATE TABLE standing (
    position INTEGER PRIMARY KEY REFERENCES orders (position),
    state TEXT NOT NULL CHECK (state IN ({_STATES})),
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
    spent_grams INTEGER NOT NULL DEFAULT 0,
    unknown_orders INTEGER NOT NULL DEFAULT 0,
    unknown_cents INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO tally (state) VALUES {", ".join(f"('{state}')" for state in State)};

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
WHEN NEW.state <> '{State.PENDING}'
BEGIN SELECT RAISE(ABORT, 'an order starts as pending'); END;

CREATE TRIGGER standing_moves BEFORE UPDATE ON standing
WHEN NOT (
    NEW.position = OLD.position
    AND NEW.planned_cents = OLD.planned_cents
    AND NEW.planned_grams = OLD.planned_grams
    AND ({_STEP})
    AND (NEW.reconciled OR NOT ({_STEP_WITH_PROOF}))
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
        planned_grams = planned_grams + NEW.planned_grams
    WHERE state = NEW.state;
    UPDATE tally SET
        spent_cents = spent_cents + coalesce(NEW.cents, 0),
        spent_grams = spent_grams + coalesce(NEW.grams, NEW.planned_grams),
        unknown_orders = unknown_orders + (NEW.cents IS NULL),
        unknown_cents = unknown_cents + iif(NEW.cents IS NULL, NEW.planned_cents, 0)
    WHERE state = NEW.state AND NEW.state = '{State.PLACED}';
END;
"""  # noqa: S608 - made of the names of states alone

_TALLY = """
SELECT state, orders, planned_cents, planned_grams, spent_cents, spent_grams, unknown_orders, unknown_cents
FROM tally WHERE orders <> 0
"""
_RECOUNT = f"""
SELECT state, count(*), sum(planned_cents), sum(planned_grams),
    sum(iif(state = '{State.PLACED}', coalesce(cents, 0), 0)),
    sum(iif(state = '{State.PLACED}', coalesce(grams, planned_grams), 0)),
    sum(state = '{State.PLACED}' AND cents IS NULL),
    sum(iif(state = '{State.PLACED}' AND cents IS NULL, planned_cents, 0))
FROM standing GROUP BY state
"""  # noqa: S608 - as above


@attrs.frozen(kw_only=True)
class Identity:
    """What a journal says of itself."""

    journal_id: str
    batch_id: str
    """Id with which the references of its orders begin: that of the batch it continues, or its own."""
    file: str
    """What the file was recognised by when it was made; another says that this is a copy."""
    runs: int
    """Runs that were begun."""

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Identity:
        """The identity of the journal in a database."""
        query = "SELECT id, coalesce((SELECT value FROM note WHERE name = 'root'), id), file, runs FROM batch"
        journal_id, batch_id, file, runs = connection.execute(query).fetchone()
        return cls(journal_id=journal_id, batch_id=batch_id, file=file, runs=runs)


def is_sealed(connection: sqlite3.Connection) -> bool:
    """Whether all rows of the input were taken in: before, nothing is sent. Blocks."""
    return bool(connection.execute("SELECT source_digest IS NOT NULL FROM batch").fetchone()[0])


def begin_run(connection: sqlite3.Connection, runs: int) -> None:
    """Mark in the main file itself that run number `runs` is on, before anything is sent. Blocks."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE batch SET runs = ?", (runs,))
    connection.execute(f"PRAGMA application_id = {RUN_ON}")
    connection.execute("COMMIT")
    # FULL, which leaves the log as it is: with it gone or emptied for a moment, a kill would look like a lost log.
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if is_busy:
        raise JournalError("another program is reading the journal, such as a report; run again when it has finished")


def end_run(connection: sqlite3.Connection) -> None:
    """Remove the mark from the main file, once all of the log is in it. Blocks."""
    if _pragma(connection, "application_id") == AT_REST:
        return
    (is_busy, in_log, done) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if not is_busy and in_log == done:
        connection.execute(f"PRAGMA application_id = {AT_REST}")


def prepare(connection: sqlite3.Connection, size: int | None, file: str) -> bool:
    """Make a journal of an empty file, or check that a file is a whole journal. Returns whether it was made now.

    A file that is no journal is left as it is. `size` is the number of its bytes, where it has no log beside it, and
    `file` is what a new journal is to be recognised by.
    """
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    is_new = application == 0 and version == 0 and not _layout(connection)
    if not is_new:
        _check(connection, application, version, size)
    # The only step outside a transaction. Killed after it, the file is still an empty database, and made anew.
    connection.execute("PRAGMA journal_mode = WAL")
    if is_new:
        _create(connection, file)
    return is_new


def check(connection: sqlite3.Connection) -> None:
    """Check that a file is a whole journal. Raises `JournalError`, which names the remedy."""
    _check(connection, _pragma(connection, "application_id"), _pragma(connection, "user_version"), None)


def in_memory() -> sqlite3.Connection:
    """A database in memory that is laid out like a journal. It may be used by any thread, one at a time."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _create(connection, "memory")
    return connection


def _create(connection: sqlite3.Connection, file: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(_SCHEMA):
        connection.execute(statement)
    connection.execute("INSERT INTO batch (only, id, file) VALUES (1, ?, ?)", (uuid.uuid4().hex, file))
    connection.execute(f"PRAGMA application_id = {AT_REST}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, application: int, version: int, size: int | None) -> None:
    if application not in (AT_REST, RUN_ON):
        raise JournalError("a database, but not the journal of a batch; name another file")
    if version > VERSION:
        raise JournalError(
            f"written by a newer wren-async (journal version {version}, this one reads up to {VERSION}); "
            "upgrade wren-async"
        )
    problem = _other_layout(connection, version) or _damage(connection, size or 0)
    if problem:
        raise damaged(problem, _told(connection, Identity.of, lambda identity: identity.batch_id))


def _other_layout(connection: sqlite3.Connection, version: int) -> str | None:
    """Whether a journal has other tables or rules, because another version made it, or somebody changed them."""
    if version == VERSION and _layout(connection) == _expected_layout():
        return None
    query = "SELECT value FROM note WHERE name = 'planned by'"
    planned_by = _told(connection, lambda own: own.execute(query).fetchone(), lambda row: row and row[0])
    told = f", wren-async {planned_by}; if it was, go on with that version" if planned_by else ""
    return f"its tables or rules are not those of this version; it may have been written by another one{told}"


def _told(
    connection: sqlite3.Connection, read: Callable[[sqlite3.Connection], T], tell: Callable[[T], Any]
) -> str | None:
    """What a file tells that cannot be trusted; `None` where it tells nothing."""
    try:
        told = tell(read(connection))
    except (sqlite3.Error, ValueError, TypeError):
        return None
    return told if isinstance(told, str) and told.isprintable() and len(told) <= _LONGEST_TOLD else None


def _damage(connection: sqlite3.Connection, size: int) -> str | None:
    """What is wrong with a journal: its pages, or sums that do not agree with its orders."""
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


def damaged(problem: object, batch_id: str | None = None) -> JournalError:
    """The error of a file that cannot be trusted, of this batch where that is known."""
    return JournalError(f"no journal, or a damaged one ({problem}); {way_out(batch_id)}")


def way_out(batch_id: str | None) -> str:
    """What to do where a journal cannot be trusted."""
    named = batch_id or "BATCH_ID"
    told = "" if batch_id else ", with the id that its reports and references show"
    return (
        "neither an older copy nor a batch begun anew knows what was placed since. If orders of it were sent, go on "
        f'with a new journal and --continues {named} (Batch(..., continues="{named}")){told}: it looks for them '
        "before it sends any"
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _layout(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    # An outbox keeps tables of its own beside those of its journal.
    of_journal = "sql IS NOT NULL AND name NOT GLOB 'outbox_*'"
    return set(connection.execute(f"SELECT type, name, sql FROM sqlite_schema WHERE {of_journal}"))  # noqa: S608 - fixed


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
