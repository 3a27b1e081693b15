"""How orders and their results are written into the database, any number of them in one statement, and read back.

The triggers of the schema check every step of every order. A statement with a step that they refuse changes nothing;
its orders are then written one by one, so that only those are refused that have to be.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import attrs
import msgspec

from wren_async.batch.journal import states
from wren_async.batch.journal.contract import Entry, JournalError, Result, Row, State, Totals
from wren_async.batch.journal.states import answered_grams, refusal, unknown

_ROW: Final = tuple(field.name for field in attrs.fields(Row))
RESULT: Final = tuple(field.name for field in attrs.fields(Result))
"""Columns of a result: each field has one of the same name."""
WRITTEN: Final = (*RESULT, "grams")
"""Columns that a result is written to. The grams are there for the sums."""

# CROSS: the narrow table is walked, in its order, and the wide one only looked up for what matches.
SELECT: Final = f"""
SELECT position, intent, digest, reference, key, checksum, planned_cents, planned_grams, {", ".join(RESULT)}
FROM standing CROSS JOIN orders USING (position)
"""  # noqa: S608 - made of names of columns alone
ADD_ORDER: Final = "INSERT INTO orders (position, intent, digest, reference, key, checksum) VALUES (?, ?, ?, ?, ?, ?)"
ADD_STANDING: Final = "INSERT INTO standing (position, state, planned_cents, planned_grams) VALUES (?, 'pending', ?, ?)"
PLACED_AMONG: Final = """
SELECT order_id FROM standing WHERE state = 'placed' AND order_id IN (SELECT value FROM json_each(?))
"""
PENDING_AMONG: Final = """
SELECT position FROM standing WHERE state = 'pending' AND position IN (SELECT value FROM json_each(?))
"""
TOTALS: Final = """
SELECT state, orders, planned_cents, planned_grams, spent_cents, spent_grams, unknown_orders, unknown_cents FROM tally
"""
_MISSING: Final = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT position FROM standing)"
FORGETS_TIMES: Final = states.sql(
    (step for step in states.TRANSITIONS if step.forgets_times), was="standing.state", becomes="given.state"
)


def _given(columns: Iterable[str]) -> str:
    """The rows of a JSON array of arrays, under these names."""
    extracted = (f"json_extract(value, '$[{index}]') AS {name}" for index, name in enumerate(columns))
    return f"WITH given AS (SELECT {', '.join(extracted)} FROM json_each(?))"  # noqa: S608 - made of names of columns alone


def _new_value(column: str) -> str:
    if column not in ("first_sent", "last_sent"):
        return f"{column} = given.{column}"
    return f"{column} = coalesce(given.{column}, iif({FORGETS_TIMES}, NULL, standing.{column}))"


_MARK: Final = f"""
{_given(("position", "moment"))}
UPDATE standing SET state = 'sending', replayed = 0, reconciled = 0, reason = NULL,
    first_sent = coalesce(first_sent, moment), last_sent = moment
FROM given WHERE standing.position = given.position
"""  # noqa: S608 - made of names of columns alone
_RECORD: Final = f"""
{_given(("position", *WRITTEN))}
UPDATE standing SET {", ".join(map(_new_value, WRITTEN))}
FROM given WHERE standing.position = given.position
"""  # noqa: S608 - made of names of columns and states alone


# --- writing ---


@attrs.frozen
class Update:
    """A step of one order, as it is to be written."""

    position: int
    becomes: State
    values: tuple[Any, ...]
    """What the statement takes: the position first."""
    is_proven: bool = False


def mark(position: int, moment: datetime) -> Update:
    """An order that is about to be sent at this time."""
    return Update(position, State.SENDING, (position, time_text(moment)))


def outcome(position: int, result: Result) -> Update:
    """An order and what came of it."""
    return Update(position, result.state, (position, *result_values(result)), result.reconciled)


def write_marks(connection: sqlite3.Connection, updates: Sequence[Update]) -> Sequence[Exception | None]:
    """Mark different orders as about to be sent; what each was refused with."""
    return _write(_MARK, connection, updates)


def write_outcomes(connection: sqlite3.Connection, updates: Sequence[Update]) -> Sequence[Exception | None]:
    """Write down what came of different orders; what each was refused with."""
    return _write(_RECORD, connection, updates)


def order_values(row: Row) -> tuple[Any, ...]:
    """What is stored of an order once and for all, in the order of the columns."""
    fixed = (row.position, row.intent, row.digest, row.reference, row.key)
    return (*fixed, _checksum(*fixed))


def _write(statement: str, connection: sqlite3.Connection, updates: Sequence[Update]) -> Sequence[Exception | None]:
    try:
        written = connection.execute(statement, (_json([update.values for update in updates]),)).rowcount
    except (sqlite3.IntegrityError, ValueError, TypeError, OverflowError) as error:
        if len(updates) == 1:
            return [_refused(connection, updates[0], error)]
        return [_write(statement, connection, [update])[0] for update in updates]
    if written == len(updates):
        return [None] * len(updates)
    positions = _json([update.position for update in updates])
    missing = {position for (position,) in connection.execute(_MISSING, (positions,))}
    return [unknown(update.position) if update.position in missing else None for update in updates]


def _refused(connection: sqlite3.Connection, update: Update, error: Exception) -> JournalError:
    found = connection.execute("SELECT state FROM standing WHERE position = ?", (update.position,)).fetchone()
    if found is None:
        return unknown(update.position)
    because = refusal(update.position, State(found[0]), update.becomes, is_proven=update.is_proven)
    return because or JournalError(f"order {update.position}: {error}")


def result_values(result: Result) -> tuple[Any, ...]:
    """What is stored of a result, in the order of `WRITTEN`."""
    return (
        result.state.value,
        storable(result.order_id),
        result.cents,
        None if result.kilograms is None else str(result.kilograms),
        storable(result.certificate),
        result.attempts,
        int(result.replayed),
        int(result.reconciled),
        storable(result.reason),
        None if result.first_sent is None else time_text(result.first_sent),
        None if result.last_sent is None else time_text(result.last_sent),
        answered_grams(result),
    )


def _checksum(*fixed: object) -> str:
    # Another reference would not be found again, and another key would let the server take a repeat for a new order.
    return hashlib.sha256("\n".join(map(str, fixed)).encode()).hexdigest()


def storable(text: str | None) -> str | None:
    # A server's JSON can hold half a surrogate pair, which UTF-8 cannot, and NULs, at which SQLite's JSON ends a text:
    # the outcome must be kept all the same.
    return None if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def time_text(moment: datetime) -> str:
    """A time as it is stored: ISO 8601, in UTC."""
    return moment.astimezone(UTC).isoformat()


def _json(values: object) -> str:
    return msgspec.json.encode(values).decode()


# --- reading ---


def read_entries(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[Entry]:
    """The orders that a query beginning with `SELECT` finds."""
    return [entry_of(found) for found in connection.execute(query, arguments)]


def read_totals(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> Totals:
    """The sums over the batch, from what `TOTALS` finds."""
    return totals_of(connection.execute(query, arguments))


def totals_of(found: Iterable[Sequence[Any]]) -> Totals:
    """The sums over the batch, from a row for each state."""
    counted = {state: [0] * 7 for state in State} | {State(state): sums for state, *sums in found}
    reserved = (counted[State.SENDING], counted[State.UNDECIDED])
    return Totals(
        orders={state: counted[state][0] for state in State},
        spent_cents=counted[State.PLACED][3],
        reserved_cents=sum(sums[1] for sums in reserved),
        planned_cents=sum(sums[1] for sums in counted.values()),
        spent_grams=counted[State.PLACED][4],
        reserved_grams=sum(sums[2] for sums in reserved),
        planned_grams=sum(sums[2] for sums in counted.values()),
        pending_cents=counted[State.PENDING][1],
        pending_grams=counted[State.PENDING][2],
        unknown_orders=counted[State.PLACED][5],
        unknown_cents=counted[State.PLACED][6],
    )


def entry_of(found: tuple[Any, ...]) -> Entry:
    fixed, checksum, planned, result = found[:5], found[5], found[6:8], found[8:]
    if checksum != _checksum(*fixed):
        raise JournalError(f"order {fixed[0]}: its intent, reference or key is not what was written")
    row = Row(**dict(zip(_ROW, (*fixed, *planned), strict=True)))
    return Entry(row=row, result=_result(**dict(zip(RESULT, result, strict=True))))


def _result(
    *,
    state: str,
    kilograms: str | None,
    replayed: int,
    reconciled: int,
    first_sent: str | None,
    last_sent: str | None,
    **as_stored: Any,
) -> Result:
    return Result(
        state=State(state),
        kilograms=None if kilograms is None else Decimal(kilograms),
        replayed=bool(replayed),
        reconciled=bool(reconciled),
        first_sent=None if first_sent is None else datetime.fromisoformat(first_sent),
        last_sent=None if last_sent is None else datetime.fromisoformat(last_sent),
        **as_stored,
    )
