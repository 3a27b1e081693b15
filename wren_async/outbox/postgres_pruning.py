"""Pruning in PostgreSQL: of an order that was settled long ago, only that stays by which it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from wren_async.postgres.database import Connection

_AT_ONCE: Final = 500
_KEEP: Final = """
WITH chosen AS MATERIALIZED (
    SELECT position, CASE api WHEN 'wren' THEN %(wren)s::int ELSE %(cnaught)s::int END AS batch FROM wren_async.outbox
    WHERE outbox = %(outbox)s AND finished IS NOT NULL AND kept_state IS NULL AND settled < %(before)s
        AND finished <= coalesce(%(told)s::bigint, finished)
    ORDER BY finished LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE wren_async.outbox o SET kept_state = s.state, kept_order_id = s.order_id, kept_cents = s.cents
FROM chosen JOIN wren_async.standing s ON s.batch = chosen.batch AND s.position = chosen.position
WHERE o.position = chosen.position RETURNING chosen.batch, o.position
"""
_REMOVE: Final = (
    "DELETE FROM wren_async.standing WHERE batch = %(batch)s AND position = ANY(%(positions)s::bigint[])",
    "DELETE FROM wren_async.intent WHERE batch = %(batch)s AND position = ANY(%(positions)s::bigint[])",
)


async def prune_some(known: Mapping[str, Any], before: datetime, told: int | None, own: Connection) -> int:
    """Prune some orders that were settled before a time, and have no number above `told`; how many there were.

    Two that prune at once share the orders.
    """
    values = {**known, "before": before, "told": told, "most": _AT_ONCE}
    pruned = await (await own.execute(_KEEP, values)).fetchall()
    for batch in {batch for batch, _ in pruned}:
        positions = [position for of, position in pruned if of == batch]
        for statement in _REMOVE:
            await own.execute(statement, {"batch": batch, "positions": positions})
    return len(pruned)
