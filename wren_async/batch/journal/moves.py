"""Moving orders from state to state in the database, any number of them in one statement.

The triggers of the schema classify every move. A statement with a move that they refuse changes nothing, and its orders
then move one by one, so that each meets its own decision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import msgspec

from wren_async.batch.journal.contract import JournalError, Result, State
from wren_async.batch.journal.records import settle_values
from wren_async.batch.journal.states import objection, unknown, unsendable

_MARK: Final = """
WITH given (position, moment) AS (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
)
UPDATE standing SET state = 'sending', replayed = 0, reconciled = 0, reason = NULL,
    first_sent = coalesce(first_sent, moment), last_sent = moment
FROM given WHERE standing.position = given.position
"""
_SETTLE: Final = """
WITH given AS (
    SELECT json_extract(value, '$[0]') AS position, json_extract(value, '$[1]') AS state,
        json_extract(value, '$[2]') AS order_id, json_extract(value, '$[3]') AS cents,
        json_extract(value, '$[4]') AS kilograms, json_extract(value, '$[5]') AS grams,
        json_extract(value, '$[6]') AS certificate, json_extract(value, '$[7]') AS attempts,
        json_extract(value, '$[8]') AS replayed, json_extract(value, '$[9]') AS reconciled,
        json_extract(value, '$[10]') AS reason, json_extract(value, '$[11]') AS first_sent,
        json_extract(value, '$[12]') AS last_sent
    FROM json_each(?)
)
UPDATE standing SET state = given.state, order_id = given.order_id, cents = given.cents, kilograms = given.kilograms,
    grams = given.grams, certificate = given.certificate, attempts = given.attempts, replayed = given.replayed,
    reconciled = given.reconciled, reason = given.reason,
    first_sent = iif(given.state = 'pending', given.first_sent, coalesce(given.first_sent, standing.first_sent)),
    last_sent = iif(given.state = 'pending', given.last_sent, coalesce(given.last_sent, standing.last_sent))
FROM given WHERE standing.position = given.position
"""
_MISSING: Final = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT position FROM standing)"


@attrs.frozen
class Transition:
    """A move of one order."""

    position: int
    values: tuple[Any, ...]
    """What its statement takes: the position first."""
    objection: Callable[[State], JournalError | None]
    """Why it is refused, by the state that the order is in."""


def mark(position: int, moment: str) -> Transition:
    """An order that is about to be sent."""
    return Transition(position, (position, moment), lambda was: unsendable(position, was))


def settle(position: int, result: Result) -> Transition:
    """An order of which something is known."""
    return Transition(position, settle_values(position, result), lambda was: objection(position, was, result))


def carry_out_marks(connection: sqlite3.Connection, moves: Sequence[Transition]) -> Sequence[Exception | None]:
    """Mark different orders as about to be sent; what each was refused with."""
    return _carry_out(_MARK, connection, moves)


def carry_out_settling(connection: sqlite3.Connection, moves: Sequence[Transition]) -> Sequence[Exception | None]:
    """Settle different orders; what each was refused with."""
    return _carry_out(_SETTLE, connection, moves)


def _carry_out(update: str, connection: sqlite3.Connection, moves: Sequence[Transition]) -> Sequence[Exception | None]:
    try:
        moved = connection.execute(update, (_json([move.values for move in moves]),)).rowcount
    except (sqlite3.IntegrityError, ValueError, TypeError, OverflowError) as error:
        if len(moves) == 1:
            return [_refusal(connection, moves[0], error)]
        return [_carry_out(update, connection, [move])[0] for move in moves]
    if moved == len(moves):
        return [None] * len(moves)
    missing = {found for (found,) in connection.execute(_MISSING, (_json([move.position for move in moves]),))}
    return [unknown(move.position) if move.position in missing else None for move in moves]


def _refusal(connection: sqlite3.Connection, move: Transition, error: Exception) -> JournalError:
    found = connection.execute("SELECT state FROM standing WHERE position = ?", (move.position,)).fetchone()
    if found is None:
        return unknown(move.position)
    return move.objection(State(found[0])) or JournalError(f"order {move.position}: {error}")


def _json(values: object) -> str:
    return msgspec.json.encode(values).decode()
