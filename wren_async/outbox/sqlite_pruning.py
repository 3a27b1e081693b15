"""Pruning in a file: of an order that was settled long ago, only that stays by which it is known again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from wren_async.batch.journal.contract import State
from wren_async.batch.journal.database import savepoint
from wren_async.batch.journal.records import time_text

_AT_ONCE: Final = 500
_SUMS: Final = (
    "orders", "planned_cents", "planned_grams", "spent_cents", "spent_grams", "unknown_orders", "unknown_cents",
)  # fmt: skip
_PRUNABLE: Final = """
SELECT position FROM outbox_submission
WHERE finished IS NOT NULL AND kept_state IS NULL AND settled < ? AND finished <= ? ORDER BY finished LIMIT ?
"""
_AMONG: Final = "position IN (SELECT value FROM json_each(:positions))"
_KEEP: Final = f"""
UPDATE outbox_submission SET kept_state = standing.state, kept_order_id = standing.order_id,
    kept_cents = standing.cents
FROM standing WHERE standing.position = outbox_submission.position AND outbox_submission.{_AMONG}
"""  # noqa: S608 - made of constants
_GONE: Final = f"""
SELECT state, count(*) AS orders, sum(planned_cents) AS planned_cents, sum(planned_grams) AS planned_grams,
    sum(iif(state = '{State.PLACED}', coalesce(cents, 0), 0)) AS spent_cents,
    sum(iif(state = '{State.PLACED}', coalesce(grams, planned_grams), 0)) AS spent_grams,
    sum(state = '{State.PLACED}' AND cents IS NULL) AS unknown_orders,
    sum(iif(state = '{State.PLACED}' AND cents IS NULL, planned_cents, 0)) AS unknown_cents
FROM standing WHERE {_AMONG} GROUP BY state
"""  # noqa: S608 - made of constants
_COUNT_PRUNED: Final = f"""
INSERT INTO outbox_pruned (state, {", ".join(_SUMS)}) {_GONE}
ON CONFLICT (state) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)}
"""
_COUNT_LEFT: Final = f"""
UPDATE tally SET {", ".join(f"{name} = tally.{name} - gone.{name}" for name in _SUMS)}
FROM ({_GONE}) AS gone WHERE tally.state = gone.state
"""  # noqa: S608 - as above
TOTALS: Final = f"""
SELECT state, {", ".join(f"sum({name})" for name in _SUMS)} FROM (
    SELECT state, {", ".join(_SUMS)} FROM tally UNION ALL SELECT state, {", ".join(_SUMS)} FROM outbox_pruned
) GROUP BY state
"""  # noqa: S608 - as above
"""The sums over all orders, those that were pruned included."""


def prune_some(connection: sqlite3.Connection, before: datetime, told: int | None) -> int:
    """Prune some orders that were settled before a time, and have no number above `told`; how many there were."""
    most = 2**62 if told is None else told
    found = connection.execute(_PRUNABLE, (time_text(before), most, _AT_ONCE)).fetchall()
    if not found:
        return 0
    chosen = {"positions": json.dumps([position for (position,) in found])}
    with savepoint(connection):
        for statement in (_KEEP, _COUNT_PRUNED, _COUNT_LEFT):
            connection.execute(statement, chosen)
        with _without_rule(connection, "standing_is_kept"), _without_rule(connection, "orders_are_kept"):
            connection.execute(f"DELETE FROM standing WHERE {_AMONG}", chosen)  # noqa: S608 - as above
            connection.execute(f"DELETE FROM orders WHERE {_AMONG}", chosen)  # noqa: S608 - as above
    return len(found)


@contextmanager
def _without_rule(connection: sqlite3.Connection, name: str) -> Iterator[None]:
    """Lift a rule of the journal within this write: an order is removed from it only once it is kept elsewhere."""
    (rule,) = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?", (name,)
    ).fetchone()
    connection.execute(f"DROP TRIGGER {name}")
    yield
    connection.execute(rule)
