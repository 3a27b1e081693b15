"""The tables of batches in PostgreSQL, and the rules that the database itself enforces.

What an order may do follows from `TRANSITIONS`, as it does in a file.
"""

from __future__ import annotations

from typing import Final

from wren_async.batch.journal import states
from wren_async.batch.journal.contract import State
from wren_async.postgres.schema import RUNNERS, Part

SPAN: Final = 200
"""Orders that a worker claims at a time: few enough to be spread evenly, so many that claiming costs nothing."""

_STATES: Final = ", ".join(f"'{state}'" for state in State)
_STEP: Final = states.sql(states.TRANSITIONS, was="was.state", becomes="becomes.state")
_STEP_WITH_PROOF: Final = states.sql(
    (step for step in states.TRANSITIONS if step.needs_proof), was="was.state", becomes="becomes.state"
)
_SUMS: Final = """
    sum(sign), sum(sign * planned_cents), sum(sign * planned_grams),
    sum(CASE WHEN state = 'placed' THEN sign * coalesce(cents, 0) ELSE 0 END),
    sum(CASE WHEN state = 'placed' THEN sign * coalesce(grams, planned_grams) ELSE 0 END),
    sum(CASE WHEN state = 'placed' AND cents IS NULL THEN sign ELSE 0 END),
    sum(CASE WHEN state = 'placed' AND cents IS NULL THEN sign * planned_cents ELSE 0 END)
"""
_TALLY_UP: Final = """
    ON CONFLICT (batch, shard, state) DO UPDATE SET
        orders = tally.orders + excluded.orders,
        planned_cents = tally.planned_cents + excluded.planned_cents,
        planned_grams = tally.planned_grams + excluded.planned_grams,
        spent_cents = tally.spent_cents + excluded.spent_cents,
        spent_grams = tally.spent_grams + excluded.spent_grams,
        unknown_orders = tally.unknown_orders + excluded.unknown_orders,
        unknown_cents = tally.unknown_cents + excluded.unknown_cents;
"""
_VERSION_1: Final = f"""
CREATE TABLE wren_async.batch (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    id text NOT NULL,
    made timestamptz NOT NULL DEFAULT now(),
    source_digest text,
    -- Whether somebody said that it may be placed: workers leave alone what is only planned.
    is_started boolean NOT NULL DEFAULT false,
    runs int NOT NULL DEFAULT 0,
    -- Which database it was when its past was last looked into: a failover or a restored copy is another one.
    server text,
    -- Whether its past was looked into since the last worker was there; and the worker that is doing it.
    is_checked boolean NOT NULL DEFAULT false,
    checker bigint,
    reconciler bigint,
    keeps_caps boolean NOT NULL DEFAULT false,
    cap_cents bigint,
    cap_grams bigint,
    cap_failures int,
    failures int NOT NULL DEFAULT 0,
    paused_until timestamptz,
    halted text,
    halted_because text NOT NULL DEFAULT ''
) WITH (fillfactor = 30);

CREATE TABLE wren_async.intent (
    batch int NOT NULL REFERENCES wren_async.batch,
    position bigint NOT NULL CHECK (position >= 1),
    intent text NOT NULL,
    digest text NOT NULL,
    reference text NOT NULL,
    key text NOT NULL,
    checksum text NOT NULL,
    PRIMARY KEY (batch, position)
);

-- Apart from the intents, narrow, with room in each page and no index on what changes: an update stays in its page.
CREATE TABLE wren_async.standing (
    batch int NOT NULL,
    position bigint NOT NULL,
    state text NOT NULL CHECK (state IN ({_STATES})),
    -- The runner that is sending it.
    owner bigint,
    planned_cents bigint NOT NULL,
    planned_grams bigint NOT NULL,
    order_id text,
    cents bigint,
    kilograms text,
    certificate text,
    attempts int NOT NULL DEFAULT 0,
    replayed int NOT NULL DEFAULT 0,
    reconciled int NOT NULL DEFAULT 0,
    reason text,
    first_sent text,
    last_sent text,
    grams bigint,
    PRIMARY KEY (batch, position)
) WITH (fillfactor = 45);

CREATE TABLE wren_async.span (
    batch int NOT NULL REFERENCES wren_async.batch,
    first bigint NOT NULL,
    last bigint NOT NULL,
    owner bigint,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (batch, first)
) WITH (fillfactor = 50);
CREATE INDEX span_free ON wren_async.span (batch, first) WHERE NOT done AND owner IS NULL;

CREATE TABLE wren_async.note (
    batch int NOT NULL REFERENCES wren_async.batch,
    name text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (batch, name)
);

-- A row a connection and state, so that no two connections wait for each other.
CREATE TABLE wren_async.tally (
    batch int NOT NULL,
    shard int NOT NULL,
    state text NOT NULL,
    orders bigint NOT NULL,
    planned_cents bigint NOT NULL,
    planned_grams bigint NOT NULL,
    spent_cents bigint NOT NULL,
    spent_grams bigint NOT NULL,
    unknown_orders bigint NOT NULL,
    unknown_cents bigint NOT NULL,
    PRIMARY KEY (batch, shard, state)
) WITH (fillfactor = 30);

-- Answers that came to a runner after others had taken over. They settle nothing; reconciling does.
CREATE TABLE wren_async.stray_answer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch int NOT NULL REFERENCES wren_async.batch,
    position bigint NOT NULL,
    runner bigint,
    came timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,
    order_id text,
    cents bigint,
    reason text
);

CREATE FUNCTION wren_async.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = TG_ARGV[0]; END $$;
CREATE TRIGGER intents_are_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON wren_async.intent
    EXECUTE FUNCTION wren_async.refuse('an intent never changes, and an order is never removed');
CREATE TRIGGER standing_is_kept BEFORE DELETE OR TRUNCATE ON wren_async.standing
    EXECUTE FUNCTION wren_async.refuse('an order is never removed');

CREATE FUNCTION wren_async.intents_come_before_the_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Shared with nobody who seals: a seal waits for what is being taken in.
    PERFORM FROM wren_async.batch WHERE number IN (SELECT batch FROM added) AND source_digest IS NULL FOR SHARE;
    IF EXISTS (SELECT FROM added JOIN wren_async.batch ON number = added.batch WHERE source_digest IS NOT NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = 'all rows of the input were taken in already';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER intents_come_before_the_seal AFTER INSERT ON wren_async.intent
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION wren_async.intents_come_before_the_seal();

CREATE FUNCTION wren_async.standing_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM becomes WHERE state <> '{State.PENDING}') THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'an order starts as pending';
    END IF;
    INSERT INTO wren_async.tally SELECT batch, pg_backend_pid(), state, {_SUMS}
    FROM (SELECT 1 AS sign, * FROM becomes) moved GROUP BY batch, state {_TALLY_UP}
    RETURN NULL;
END $$;
CREATE TRIGGER standing_begins AFTER INSERT ON wren_async.standing
    REFERENCING NEW TABLE AS becomes EXECUTE FUNCTION wren_async.standing_begins();

CREATE FUNCTION wren_async.standing_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM was) <> (
        SELECT count(*) FROM was JOIN becomes USING (batch, position)
        WHERE was.planned_cents = becomes.planned_cents AND was.planned_grams = becomes.planned_grams
            AND ({_STEP}) AND (becomes.reconciled <> 0 OR NOT ({_STEP_WITH_PROOF}))
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'an order cannot move so';
    END IF;
    INSERT INTO wren_async.tally SELECT batch, pg_backend_pid(), state, {_SUMS}
    FROM (SELECT -1 AS sign, * FROM was UNION ALL SELECT 1 AS sign, * FROM becomes) moved
    GROUP BY batch, state ORDER BY batch, state {_TALLY_UP}
    RETURN NULL;
END $$;
CREATE TRIGGER standing_moves AFTER UPDATE ON wren_async.standing
    REFERENCING OLD TABLE AS was NEW TABLE AS becomes EXECUTE FUNCTION wren_async.standing_moves();
"""  # noqa: S608 - made of the names of states alone

BATCHES: Final = Part("batches", (_VERSION_1,))
"""The tables of batches."""
PARTS: Final = (RUNNERS, BATCHES)
"""All that a journal in PostgreSQL needs."""
