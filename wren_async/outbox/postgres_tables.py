"""The tables of an outbox in PostgreSQL, and the one function by which every driver writes an order into it."""

from __future__ import annotations

from typing import Final

from wren_async.batch.journal import states
from wren_async.batch.journal.contract import State
from wren_async.postgres.schema import RUNNERS, Part

_STEP: Final = states.sql(states.TRANSITIONS, was="OLD.state", becomes="NEW.state")
_STEP_WITH_PROOF: Final = states.sql(
    (step for step in states.TRANSITIONS if step.needs_proof), was="OLD.state", becomes="NEW.state"
)
_STATES: Final = ", ".join(f"'{state}'" for state in State)

OUTBOX: Final = Part(
    "outbox",
    (
        f"""
CREATE TABLE wren_async.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    intent text NOT NULL,
    digest text NOT NULL,
    key text NOT NULL,
    api text NOT NULL,
    submitted timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Not there before its price is known.
    planned_cents bigint,
    planned_grams bigint,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ({_STATES})),
    order_id text,
    cents bigint,
    kilograms numeric,
    grams bigint,
    certificate text,
    attempts int NOT NULL DEFAULT 0,
    replayed boolean NOT NULL DEFAULT false,
    reconciled boolean NOT NULL DEFAULT false,
    reason text,
    first_sent timestamptz,
    last_sent timestamptz,
    -- The runner that sends it, or looks for it. Nobody else changes it.
    owner bigint,
    -- On which it was reserved for.
    day date,
    finished bigint UNIQUE
) WITH (fillfactor = 60);
CREATE INDEX outbox_unplanned ON wren_async.outbox (api, position) WHERE planned_cents IS NULL;
CREATE INDEX outbox_open ON wren_async.outbox (position) WHERE finished IS NULL;

CREATE TABLE wren_async.outbox_day (day date PRIMARY KEY, cents bigint NOT NULL, grams bigint NOT NULL);
CREATE TABLE wren_async.outbox_note (name text PRIMARY KEY, value text NOT NULL);
-- Sums over the settled orders, so that nobody has to count them.
CREATE TABLE wren_async.outbox_total (
    state text PRIMARY KEY, orders bigint NOT NULL, planned_cents bigint NOT NULL, planned_grams bigint NOT NULL,
    spent_cents bigint NOT NULL, spent_grams bigint NOT NULL, unknown_orders bigint NOT NULL,
    unknown_cents bigint NOT NULL
);

CREATE FUNCTION wren_async.outbox_keeps_to_the_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an order is never removed' USING ERRCODE = 'WR001';
    END IF;
    IF (NEW.position, NEW.reference, NEW.intent, NEW.digest, NEW.key, NEW.api)
        IS DISTINCT FROM (OLD.position, OLD.reference, OLD.intent, OLD.digest, OLD.key, OLD.api)
        OR (OLD.planned_cents IS NOT NULL AND (NEW.planned_cents, NEW.planned_grams)
            IS DISTINCT FROM (OLD.planned_cents, OLD.planned_grams)) THEN
        RAISE EXCEPTION 'an intent never changes' USING ERRCODE = 'WR001';
    END IF;
    IF (NEW.state <> OLD.state OR NEW.order_id IS DISTINCT FROM OLD.order_id)
        AND NOT (({_STEP}) AND (NEW.reconciled OR NOT ({_STEP_WITH_PROOF}))) THEN
        RAISE EXCEPTION 'an order cannot move from % to %', OLD.state, NEW.state USING ERRCODE = 'WR001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_moves BEFORE UPDATE OR DELETE ON wren_async.outbox
FOR EACH ROW EXECUTE FUNCTION wren_async.outbox_keeps_to_the_steps();

-- In the caller's own transaction. Who submits a reference that another transaction is submitting waits for its end.
CREATE FUNCTION wren_async.outbox_submit(p_reference text, p_intent text, p_digest text, p_key text, p_api text)
RETURNS TABLE (is_new boolean, known_digest text, known_intent text) LANGUAGE plpgsql AS $$
DECLARE written bigint;
BEGIN
    INSERT INTO wren_async.outbox (reference, intent, digest, key, api)
    VALUES (p_reference, p_intent, p_digest, p_key, p_api) ON CONFLICT (reference) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN QUERY SELECT written = 1, o.digest, o.intent FROM wren_async.outbox o WHERE o.reference = p_reference;
END $$;
""",  # noqa: S608 - made of the names of states alone
    ),
)
"""The outbox's own tables. An order is one row, from its submission to its end."""

PARTS: Final = (RUNNERS, OUTBOX)
CHANNEL: Final = "wren_async_outbox"
"""On which processes give each other word: of submissions by an empty text, of settled orders by their references."""
