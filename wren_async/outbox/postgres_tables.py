"""The tables of the outboxes in PostgreSQL, and the one function by which every driver writes an order into one.

Once an order has its price it stands in a journal, beside the orders of batches, under the same rules. Each outbox has
a journal for each API, so that each API has its own pause, its own halt, and its own doubts. Here stands what was
submitted, who has taken it up, what was reserved for it on which day, and what is left of an order that was pruned.
"""

from __future__ import annotations

from typing import Final

from wren_async.postgres.identity import HERE
from wren_async.postgres.schema import Part

_VERSION_1: Final = """
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
"""
_VERSION_2: Final = f"""
ALTER TABLE wren_async.outbox
    ADD COLUMN outbox text NOT NULL DEFAULT 'main',
    ADD COLUMN settled timestamptz,
    -- What is left of an order that was pruned.
    ADD COLUMN kept_state text,
    ADD COLUMN kept_order_id text,
    ADD COLUMN kept_cents bigint,
    DROP CONSTRAINT outbox_reference_key,
    DROP CONSTRAINT outbox_finished_key;
ALTER TABLE wren_async.outbox ALTER COLUMN outbox DROP DEFAULT,
    ADD CONSTRAINT outbox_reference_key UNIQUE (outbox, reference),
    ADD CONSTRAINT outbox_finished_key UNIQUE (outbox, finished);
UPDATE wren_async.outbox SET settled = clock_timestamp() WHERE finished IS NOT NULL;
DROP INDEX wren_async.outbox_unplanned;
CREATE INDEX outbox_unplanned ON wren_async.outbox (outbox, api, position) WHERE intent IS NOT NULL;
DROP INDEX wren_async.outbox_open;
CREATE INDEX outbox_open ON wren_async.outbox (outbox, api, position) WHERE finished IS NULL;
CREATE INDEX outbox_unpruned ON wren_async.outbox (outbox, finished)
    WHERE finished IS NOT NULL AND kept_state IS NULL;

ALTER TABLE wren_async.outbox_day ADD COLUMN outbox text NOT NULL DEFAULT 'main', DROP CONSTRAINT outbox_day_pkey;
ALTER TABLE wren_async.outbox_day ALTER COLUMN outbox DROP DEFAULT, ADD PRIMARY KEY (outbox, day);

CREATE TABLE wren_async.outbox_name (
    name text PRIMARY KEY,
    -- The journals in which its orders stand once they have their price.
    wren int NOT NULL REFERENCES wren_async.batch,
    cnaught int NOT NULL REFERENCES wren_async.batch
);
CREATE TABLE wren_async.outbox_note (
    outbox text NOT NULL REFERENCES wren_async.outbox_name,
    name text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (outbox, name)
);

CREATE OR REPLACE FUNCTION wren_async.outbox_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.position, NEW.outbox, NEW.reference, NEW.digest, NEW.api, NEW.submitted)
        IS DISTINCT FROM (OLD.position, OLD.outbox, OLD.reference, OLD.digest, OLD.api, OLD.submitted) THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = 'a submission never changes, and is never removed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION wren_async.outbox_journal(p_outbox text, p_api text) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT CASE p_api WHEN 'wren' THEN wren ELSE cnaught END FROM wren_async.outbox_name WHERE name = p_outbox
$$;

DROP FUNCTION wren_async.outbox_submit(text, text, text, text, text);
-- In the caller's own transaction. Who submits a reference that another transaction is submitting waits for its end.
CREATE FUNCTION wren_async.outbox_submit(
    p_reference text, p_intent text, p_digest text, p_key text, p_api text, p_outbox text DEFAULT 'main'
) RETURNS TABLE (is_new boolean, known_digest text, known_intent text) LANGUAGE plpgsql AS $$
DECLARE written bigint; journal int := wren_async.outbox_journal(p_outbox, p_api);
BEGIN
    IF journal IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no outbox %L', p_outbox);
    END IF;
    INSERT INTO wren_async.outbox (outbox, reference, intent, digest, key, api)
    VALUES (p_outbox, p_reference, p_intent, p_digest, p_key, p_api) ON CONFLICT (outbox, reference) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN QUERY SELECT written = 1, o.digest, coalesce(o.intent, (
        SELECT i.intent FROM wren_async.intent i
        WHERE i.batch = wren_async.outbox_journal(o.outbox, o.api) AND i.position = o.position))
    FROM wren_async.outbox o WHERE o.outbox = p_outbox AND o.reference = p_reference;
END $$;

-- An order is removed from a journal only once an outbox keeps what it is known by.
CREATE FUNCTION wren_async.outbox_prunes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM removed WHERE NOT EXISTS (
        SELECT FROM wren_async.outbox o WHERE o.position = removed.position AND o.kept_state IS NOT NULL
            AND wren_async.outbox_journal(o.outbox, o.api) = removed.batch)) THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'an order is never removed';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER intents_are_fixed ON wren_async.intent;
CREATE TRIGGER intents_are_fixed BEFORE UPDATE OR TRUNCATE ON wren_async.intent
    EXECUTE FUNCTION wren_async.refuse('an intent never changes, and an order is never removed');
CREATE TRIGGER intents_are_kept AFTER DELETE ON wren_async.intent
    REFERENCING OLD TABLE AS removed EXECUTE FUNCTION wren_async.outbox_prunes();
DROP TRIGGER standing_is_kept ON wren_async.standing;
CREATE TRIGGER standing_is_kept BEFORE TRUNCATE ON wren_async.standing
    EXECUTE FUNCTION wren_async.refuse('an order is never removed');
CREATE TRIGGER standing_is_kept_or_pruned AFTER DELETE ON wren_async.standing
    REFERENCING OLD TABLE AS removed EXECUTE FUNCTION wren_async.outbox_prunes();

-- The orders of both APIs stood in one journal. Those of CNaught get one of their own; what concerned all of them then
-- concerns each of the two.
ALTER TABLE wren_async.intent DISABLE TRIGGER USER;
ALTER TABLE wren_async.standing DISABLE TRIGGER USER;
DO $$
DECLARE
    old int := (SELECT number FROM wren_async.batch WHERE name = 'outbox');
    other int;
    former record;
    copied bigint;
BEGIN
    IF old IS NULL THEN
        -- With the database they are made in: a copy, or a standby in its place, may know of no run of them.
        INSERT INTO wren_async.batch (name, id, server)
        SELECT 'outbox main ' || api, replace(gen_random_uuid()::text, '-', ''), {HERE}
        FROM unnest(ARRAY['wren', 'cnaught']) api;
        INSERT INTO wren_async.outbox_name (name, wren, cnaught)
        SELECT 'main', w.number, c.number FROM wren_async.batch w, wren_async.batch c
        WHERE w.name = 'outbox main wren' AND c.name = 'outbox main cnaught';
        RETURN;
    END IF;
    UPDATE wren_async.batch SET name = 'outbox main wren' WHERE number = old;
    INSERT INTO wren_async.batch (name, id, is_started, runs, server, is_checked, halted, halted_because)
    SELECT 'outbox main cnaught', replace(gen_random_uuid()::text, '-', ''), is_started, runs, server, is_checked,
        halted, halted_because
    FROM wren_async.batch WHERE number = old RETURNING number INTO other;
    INSERT INTO wren_async.outbox_name (name, wren, cnaught) VALUES ('main', old, other);

    UPDATE wren_async.intent i SET batch = other FROM wren_async.outbox o
    WHERE i.batch = old AND i.position = o.position AND o.api = 'cnaught';
    UPDATE wren_async.standing s SET batch = other FROM wren_async.outbox o
    WHERE s.batch = old AND s.position = o.position AND o.api = 'cnaught';

    -- What an old worker is sending is its own until the end of its lease, in both journals. It can write no more: no
    -- sequence follows this one.
    UPDATE wren_async.runner SET sequence = -1
    WHERE scope = 'batch ' || old AND ended IS NULL AND declared_dead IS NULL;
    FOR former IN SELECT * FROM wren_async.runner WHERE scope = 'batch ' || old AND NOT is_cleared LOOP
        INSERT INTO wren_async.runner (name, scope, program, began, lease, lease_until, sequence, ended, declared_dead)
        VALUES (former.name, 'batch ' || other, former.program, former.began, former.lease, former.lease_until, -1,
            former.ended, former.declared_dead)
        RETURNING id INTO copied;
        UPDATE wren_async.standing SET owner = copied WHERE batch = other AND owner = former.id;
    END LOOP;
    UPDATE wren_async.outbox SET owner = NULL WHERE finished IS NULL;

    DELETE FROM wren_async.tally WHERE batch = old;
    INSERT INTO wren_async.tally
    SELECT batch, 0, state, count(*), sum(planned_cents), sum(planned_grams),
        sum(CASE WHEN state = 'placed' THEN coalesce(cents, 0) ELSE 0 END),
        sum(CASE WHEN state = 'placed' THEN coalesce(grams, planned_grams) ELSE 0 END),
        sum(CASE WHEN state = 'placed' AND cents IS NULL THEN 1 ELSE 0 END),
        sum(CASE WHEN state = 'placed' AND cents IS NULL THEN planned_cents ELSE 0 END)
    FROM wren_async.standing WHERE batch IN (old, other) GROUP BY batch, state;

    INSERT INTO wren_async.outbox_note (outbox, name, value)
    SELECT 'main', name, value::jsonb #>> '{{}}' FROM wren_async.note
    WHERE batch = old AND name IN ('outbox caps', 'outbox told');
    DELETE FROM wren_async.note WHERE batch = old AND name IN ('outbox caps', 'outbox told');
    INSERT INTO wren_async.note (batch, name, value)
    SELECT other, name, value FROM wren_async.note WHERE batch = old AND name NOT LIKE 'wren %';
    DELETE FROM wren_async.note WHERE batch = old AND name LIKE 'cnaught %';
END $$;
ALTER TABLE wren_async.intent ENABLE TRIGGER USER;
ALTER TABLE wren_async.standing ENABLE TRIGGER USER;
"""  # noqa: S608 - a constant

OUTBOX: Final = Part("outbox", (_VERSION_1, _VERSION_2))
"""The outboxes' own tables."""

CHANNEL: Final = "wren_async_outbox"
"""On which processes give each other word: an outbox's name and a colon, and then the reference of a settled order, or
nothing where something was submitted."""


def journal_name(outbox: str, api: str) -> str:
    """The name under which the journal of an outbox's API stands among the batches."""
    return f"outbox {outbox} {api}"
