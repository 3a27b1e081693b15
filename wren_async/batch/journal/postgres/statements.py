"""What a journal in PostgreSQL reads and writes, in SQL: arrays of orders, each group in one statement.

`position = ANY(...)` stands beside each join with `unnest`: without fresh statistics the database would otherwise walk
through the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from wren_async.batch.journal import states
from wren_async.batch.journal.contract import State
from wren_async.batch.journal.records import FORGETS_TIMES, RESULT, WRITTEN
from wren_async.batch.journal.states import CRASHED

_TYPES: Final = {
    "cents": "bigint",
    "grams": "bigint",
    "attempts": "int",
    "replayed": "int",
    "reconciled": "int",
    "position": "bigint",
}
"""The types of columns that are no text."""
_STEP: Final = states.sql(states.TRANSITIONS, was="standing.state", becomes="given.state")
_STEP_WITH_PROOF: Final = states.sql(
    (step for step in states.TRANSITIONS if step.needs_proof), was="standing.state", becomes="given.state"
)


def _given(columns: Iterable[str]) -> str:
    """Arrays as rows, under these names."""
    names = tuple(columns)
    arrays = ", ".join(f"%({name}_)s::{_TYPES.get(name, 'text')}[]" for name in names)
    return f"unnest({arrays}) AS given ({', '.join(names)})"


def arrays(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as arrays, for a statement that takes these columns."""
    return {f"{name}_": [row[index] for row in rows] for index, name in enumerate(columns)}


def _new_value(column: str) -> str:
    if column not in ("first_sent", "last_sent"):
        return f"{column} = given.{column}"
    return f"{column} = coalesce(given.{column}, CASE WHEN {FORGETS_TIMES} THEN NULL ELSE standing.{column} END)"


SELECT: Final = f"""
SELECT position, intent, digest, reference, key, checksum, planned_cents, planned_grams, {", ".join(RESULT)}
FROM wren_async.standing JOIN wren_async.intent USING (batch, position)
WHERE batch = %(batch)s
"""  # noqa: S608 - made of names of columns alone

FIXED: Final = ("position", "intent", "digest", "reference", "key", "checksum")
ADD_INTENTS: Final = f"""
INSERT INTO wren_async.intent (batch, {", ".join(FIXED)}) SELECT %(batch)s, given.* FROM {_given(FIXED)}
"""  # noqa: S608 - as above
ADD_STANDING: Final = """
INSERT INTO wren_async.standing (batch, position, state, planned_cents, planned_grams)
SELECT %(batch)s, position, 'pending', cents, grams
FROM unnest(%(positions)s::bigint[], %(cents)s::bigint[], %(grams)s::bigint[]) AS given (position, cents, grams)
"""
ADD_SPANS: Final = """
INSERT INTO wren_async.span (batch, first, last)
SELECT %(batch)s, min(position), max(position)
FROM (SELECT position, (row_number() OVER (ORDER BY position) - 1) / %(size)s AS part
      FROM wren_async.standing WHERE batch = %(batch)s) numbered
GROUP BY part
"""

RECORDED: Final = ("position", *WRITTEN)
RECORD: Final = f"""
UPDATE wren_async.standing SET owner = NULL, {", ".join(map(_new_value, WRITTEN))}
FROM {_given(RECORDED)}
WHERE standing.batch = %(batch)s AND standing.position = ANY(%(position_)s::bigint[])
    AND standing.position = given.position AND ({_STEP}) AND (given.reconciled <> 0 OR NOT ({_STEP_WITH_PROOF}))
    AND (standing.state <> 'sending' OR standing.owner = %(owner)s)
RETURNING standing.position
"""  # noqa: S608 - made of names of columns and states alone
MARK: Final = """
UPDATE wren_async.standing SET state = 'sending', owner = %(owner)s, replayed = 0, reconciled = 0, reason = NULL,
    first_sent = coalesce(first_sent, given.moment), last_sent = given.moment
FROM unnest(%(positions)s::bigint[], %(moments)s::text[]) AS given (position, moment)
WHERE standing.batch = %(batch)s AND standing.position = ANY(%(positions)s::bigint[])
    AND standing.position = given.position AND standing.state = 'pending'
RETURNING standing.position
"""
PLANNED: Final = """
SELECT position, planned_cents, planned_grams FROM wren_async.standing
WHERE batch = %(batch)s AND position = ANY(%(positions)s::bigint[]) AND state = 'pending'
"""
WAS_SENT: Final = f"""
SELECT EXISTS (
    SELECT FROM wren_async.standing JOIN wren_async.intent USING (batch, position)
    WHERE batch = %(batch)s AND state <> '{State.PENDING}' AND intent::json ->> 'kind' = ANY(%(kinds)s))
"""  # noqa: S608 - made of the name of a state alone
WHERE_THEY_STAND: Final = """
SELECT position, state, owner FROM wren_async.standing
WHERE batch = %(batch)s AND position = ANY(%(positions)s::bigint[])
"""

TOTALS: Final = """
SELECT state, sum(orders)::bigint, sum(planned_cents)::bigint, sum(planned_grams)::bigint, sum(spent_cents)::bigint,
    sum(spent_grams)::bigint, sum(unknown_orders)::bigint, sum(unknown_cents)::bigint
FROM wren_async.tally WHERE batch = %(batch)s GROUP BY state
"""
TOTALS_BY_NAME: Final = """
SELECT name, state, sum(orders)::bigint, sum(planned_cents)::bigint, sum(planned_grams)::bigint,
    sum(spent_cents)::bigint, sum(spent_grams)::bigint, sum(unknown_orders)::bigint, sum(unknown_cents)::bigint
FROM wren_async.tally JOIN wren_async.batch ON batch.number = tally.batch
WHERE name = ANY(%(names)s) GROUP BY name, state
"""
FOLD_TALLY: Final = """
WITH gone AS (
    DELETE FROM wren_async.tally WHERE batch = %(batch)s AND shard <> 0
        AND shard NOT IN (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL)
    RETURNING *)
INSERT INTO wren_async.tally
SELECT batch, 0, state, sum(orders), sum(planned_cents), sum(planned_grams), sum(spent_cents), sum(spent_grams),
    sum(unknown_orders), sum(unknown_cents)
FROM gone GROUP BY batch, state
ON CONFLICT (batch, shard, state) DO UPDATE SET
    orders = tally.orders + excluded.orders,
    planned_cents = tally.planned_cents + excluded.planned_cents,
    planned_grams = tally.planned_grams + excluded.planned_grams,
    spent_cents = tally.spent_cents + excluded.spent_cents,
    spent_grams = tally.spent_grams + excluded.spent_grams,
    unknown_orders = tally.unknown_orders + excluded.unknown_orders,
    unknown_cents = tally.unknown_cents + excluded.unknown_cents
"""
"""Puts the sums of connections that are gone together. Else each connection that there ever was would keep rows."""
HELD: Final = """
SELECT coalesce(sum(CASE WHEN state = 'placed' THEN spent_cents + unknown_cents
                         WHEN state IN ('sending', 'undecided') THEN planned_cents ELSE 0 END), 0)::bigint,
       coalesce(sum(CASE WHEN state = 'placed' THEN spent_grams
                         WHEN state IN ('sending', 'undecided') THEN planned_grams ELSE 0 END), 0)::bigint
FROM wren_async.tally WHERE batch = %(batch)s
"""
LOCK_CAPS: Final = """
SELECT cap_cents, cap_grams FROM wren_async.batch WHERE number = %(batch)s AND keeps_caps FOR NO KEY UPDATE
"""
SIGNAL: Final = """
SELECT coalesce(extract(epoch FROM paused_until - clock_timestamp()), 0)::float8, halted, halted_because,
    keeps_caps AND (cap_cents IS NOT NULL OR cap_grams IS NOT NULL),
    EXISTS (SELECT FROM wren_async.note WHERE note.batch = number AND name = 'doubt' AND value <> '""')
FROM wren_async.batch WHERE number = %(batch)s
"""
"""What concerns every process; whether there are caps; and whether what is pending may have been sent by others. A note
is JSON: an empty one says nothing."""
FAILED: Final = """
UPDATE wren_async.batch SET failures = failures + %(failures)s,
    halted = CASE WHEN halted IS NULL AND failures + %(failures)s > cap_failures
        THEN 'too_many_failures' ELSE halted END,
    halted_because = CASE WHEN halted IS NULL AND failures + %(failures)s > cap_failures
        THEN (failures + %(failures)s) || ' orders were refused or are undecided' ELSE halted_because END
WHERE number = %(batch)s RETURNING halted, halted_because
"""
HALT_AT_CAP: Final = """
UPDATE wren_async.batch SET halted = 'cap_reached', halted_because = %(message)s
WHERE number = %(batch)s AND halted IS NULL AND NOT EXISTS (
    SELECT FROM wren_async.tally WHERE batch = %(batch)s AND state IN ('sending', 'undecided')
    GROUP BY state HAVING sum(orders) > 0)
"""
"""Not where anything is on the wire or in doubt: it may come back, and there is room again."""
SET_BOUNDS: Final = """
UPDATE wren_async.batch SET keeps_caps = true, cap_cents = %(cents)s, cap_grams = %(grams)s,
    cap_failures = %(failures)s,
    halted = nullif(halted, 'cap_reached'),
    halted_because = CASE WHEN halted = 'cap_reached' THEN '' ELSE halted_because END
WHERE number = %(batch)s
"""
PAUSE: Final = """
UPDATE wren_async.batch SET paused_until = greatest(paused_until, clock_timestamp() + %(seconds)s * interval '1 s')
WHERE number = %(batch)s
"""
HALT: Final = """
UPDATE wren_async.batch SET halted = %(ending)s, halted_because = %(message)s
WHERE number = %(batch)s AND (halted IS NULL OR halted = 'payment_required')
"""
"""The first reason stays. But an empty wallet may be tried again by itself, and hides no other: no person's word."""

CLAIM: Final = """
WITH free AS (
    SELECT batch, first FROM wren_async.span
    WHERE batch = %(batch)s AND NOT done AND owner IS NULL
    ORDER BY first LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE wren_async.span SET owner = %(owner)s FROM free WHERE (span.batch, span.first) = (free.batch, free.first)
RETURNING span.first, span.last
"""
CLAIMED: Final = """
SELECT first, last FROM wren_async.span WHERE batch = %(batch)s AND owner = %(owner)s ORDER BY first
"""
RELEASE_DONE: Final = """
UPDATE wren_async.span SET owner = NULL, done = true
WHERE batch = %(batch)s AND owner = %(owner)s AND first = ANY(%(held)s::bigint[]) AND NOT EXISTS (
    SELECT FROM wren_async.standing WHERE standing.batch = span.batch
        AND standing.position BETWEEN span.first AND span.last AND state IN ('pending', 'sending'))
RETURNING first
"""
RELEASE: Final = """
UPDATE wren_async.span SET owner = NULL, done = NOT EXISTS (
    SELECT FROM wren_async.standing WHERE standing.batch = span.batch
        AND standing.position BETWEEN span.first AND span.last AND state IN ('pending', 'sending'))
WHERE batch = %(batch)s AND owner = %(owner)s AND first = ANY(%(firsts)s::bigint[])
"""
REOPEN: Final = """
UPDATE wren_async.span SET done = false
WHERE batch = %(batch)s AND done AND first = (
    SELECT max(first) FROM wren_async.span WHERE batch = %(batch)s AND first <= %(position)s)
"""

LEFT_BEHIND: Final = """
SELECT id FROM wren_async.runner WHERE scope = %(scope)s AND (ended IS NOT NULL OR declared_dead IS NOT NULL)
    AND NOT is_cleared FOR UPDATE
"""
DOUBT: Final = f"""
UPDATE wren_async.standing SET state = 'undecided', owner = NULL, reason = '{CRASHED}', last_sent = %(at)s,
    first_sent = coalesce(first_sent, %(at)s)
WHERE batch = %(batch)s AND state = '{State.SENDING}' AND owner = ANY(%(dead)s::bigint[])
"""  # noqa: S608 - made of constants alone
FREE_SPANS: Final = """
UPDATE wren_async.span SET owner = NULL WHERE batch = %(batch)s AND owner = ANY(%(dead)s::bigint[])
"""
CLEARED: Final = "UPDATE wren_async.runner SET is_cleared = true WHERE id = ANY(%(dead)s::bigint[])"

STRAY: Final = """
INSERT INTO wren_async.stray_answer (batch, position, runner, state, order_id, cents, reason)
VALUES (%(batch)s, %(position)s, %(owner)s, %(state)s, %(order_id)s, %(cents)s, %(reason)s)
"""
