"""The tables of an outbox in PostgreSQL, and the one function by which every driver writes an order into it.

Once an order has its price it stands in the journal, beside the orders of batches, under the same rules. Here stands
what was submitted, who has taken it up, and what was reserved for it on which day.
"""

from __future__ import annotations

from typing import Final

from wren_async.postgres.schema import Part

OUTBOX: Final = Part(
    "outbox",
    (
        """
CREATE TABLE wren_async.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    digest text NOT NULL,
    api text NOT NULL,
    submitted timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- In the journal, together with the key, once the order is there.
    intent text,
    key text,
    -- The day on which it was reserved for, and the runner that has taken it up.
    day date,
    owner bigint,
    finished bigint UNIQUE
) WITH (fillfactor = 70);
CREATE INDEX outbox_unplanned ON wren_async.outbox (api, position) WHERE intent IS NOT NULL;
CREATE INDEX outbox_open ON wren_async.outbox (position) WHERE finished IS NULL;
CREATE TABLE wren_async.outbox_day (day date PRIMARY KEY, cents bigint NOT NULL, grams bigint NOT NULL);

CREATE FUNCTION wren_async.outbox_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.position, NEW.reference, NEW.digest, NEW.api, NEW.submitted)
        IS DISTINCT FROM (OLD.position, OLD.reference, OLD.digest, OLD.api, OLD.submitted) THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = 'a submission never changes, and is never removed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_keeps BEFORE UPDATE OR DELETE ON wren_async.outbox
    FOR EACH ROW EXECUTE FUNCTION wren_async.outbox_keeps();

-- In the caller's own transaction. Who submits a reference that another transaction is submitting waits for its end.
CREATE FUNCTION wren_async.outbox_submit(p_reference text, p_intent text, p_digest text, p_key text, p_api text)
RETURNS TABLE (is_new boolean, known_digest text, known_intent text) LANGUAGE plpgsql AS $$
DECLARE written bigint;
BEGIN
    INSERT INTO wren_async.outbox (reference, intent, digest, key, api)
    VALUES (p_reference, p_intent, p_digest, p_key, p_api) ON CONFLICT (reference) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN QUERY SELECT written = 1, o.digest, coalesce(o.intent, (
        SELECT i.intent FROM wren_async.intent i JOIN wren_async.batch b ON b.number = i.batch
        WHERE b.name = 'outbox' AND i.position = o.position))
    FROM wren_async.outbox o WHERE o.reference = p_reference;
END $$;
""",
    ),
)
"""The outbox's own tables."""

CHANNEL: Final = "wren_async_outbox"
"""On which processes give each other word: of submissions by an empty text, of settled orders by their references."""
BATCH: Final = "outbox"
"""The name of the journal that the orders of the outbox stand in."""
