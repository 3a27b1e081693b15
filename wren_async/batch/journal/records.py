"""How orders and their results are written as rows of the database, and read back."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from wren_async.batch.journal.contract import Entry, JournalError, Result, Row, State, Totals
from wren_async.batch.journal.states import answered_grams

SELECT = """
SELECT position, intent, digest, reference, key, checksum, planned_cents, planned_grams, state, order_id, cents,
    kilograms, certificate, attempts, replayed, reconciled, reason, first_sent, last_sent
FROM standing CROSS JOIN orders USING (position)
"""
# CROSS: the narrow table is walked, in its order, and the wide one only looked up for what matches.

ADD_ORDER = "INSERT INTO orders (position, intent, digest, reference, key, checksum) VALUES (?, ?, ?, ?, ?, ?)"
ADD_STANDING = "INSERT INTO standing (position, state, planned_cents, planned_grams) VALUES (?, 'pending', ?, ?)"

PLACED_AMONG = """
SELECT order_id FROM standing WHERE state = 'placed' AND order_id IN (SELECT value FROM json_each(?))
"""

TOTALS = """
SELECT state, orders, planned_cents, planned_grams, spent_cents, spent_grams, unknown_orders, unknown_cents FROM tally
"""


def order_values(row: Row) -> tuple[Any, ...]:
    """What is stored of an order once and for all, in the order of the columns."""
    fixed = (row.position, row.intent, row.digest, row.reference, row.key)
    return (*fixed, _checksum(*fixed))


def _checksum(*fixed: object) -> str:
    # Another reference would not be found again, and another key would let the server take a repeat for a new order.
    return hashlib.sha256("\n".join(map(str, fixed)).encode()).hexdigest()


def read_entries(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[Entry]:
    """The orders that a query beginning with `SELECT` finds."""
    return [_entry(*found) for found in connection.execute(query, arguments)]


def _entry(
    position: int,
    intent: str,
    digest: str,
    reference: str,
    key: str,
    checksum: str,
    planned_cents: int,
    planned_grams: int,
    *result: Any,
) -> Entry:
    if checksum != _checksum(position, intent, digest, reference, key):
        raise JournalError(f"order {position}: its intent, reference or key is not what was written")
    return Entry(
        row=Row(
            position=position,
            intent=intent,
            digest=digest,
            reference=reference,
            key=key,
            cents=planned_cents,
            grams=planned_grams,
        ),
        result=_result(*result),
    )


def _result(
    state: str,
    order_id: str | None,
    cents: int | None,
    kilograms: str | None,
    certificate: str | None,
    attempts: int,
    replayed: int,
    reconciled: int,
    reason: str | None,
    first_sent: str | None,
    last_sent: str | None,
) -> Result:
    return Result(
        state=State(state),
        order_id=order_id,
        cents=cents,
        kilograms=None if kilograms is None else Decimal(kilograms),
        certificate=certificate,
        attempts=attempts,
        replayed=bool(replayed),
        reconciled=bool(reconciled),
        reason=reason,
        first_sent=None if first_sent is None else datetime.fromisoformat(first_sent),
        last_sent=None if last_sent is None else datetime.fromisoformat(last_sent),
    )


def settle_values(position: int, result: Result) -> tuple[Any, ...]:
    """An order's position and what is to be stored of its result, in the order of the columns."""
    return (
        position,
        result.state.value,
        _storable(result.order_id),
        result.cents,
        None if result.kilograms is None else str(result.kilograms),
        answered_grams(result),
        _storable(result.certificate),
        result.attempts,
        int(result.replayed),
        int(result.reconciled),
        _storable(result.reason),
        None if result.first_sent is None else time_text(result.first_sent),
        None if result.last_sent is None else time_text(result.last_sent),
    )


def _storable(text: str | None) -> str | None:
    # A server's JSON can hold half a surrogate pair, which UTF-8 cannot, and NULs, at which SQLite's JSON ends a text:
    # the outcome must be kept all the same.
    return None if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def time_text(moment: datetime) -> str:
    """A time as it is stored: ISO 8601, in UTC."""
    return moment.astimezone(UTC).isoformat()


def read_totals(rows: Sequence[tuple[Any, ...]]) -> Totals:
    """The sums over the batch, from what `TOTALS` finds."""
    counted = {State(state): sums for state, *sums in rows}
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
