-- Weft's outbox for PostgreSQL (14 or later). Run it once, in the schema that your application and
-- the relay find first: weft outbox schema postgresql | psql -v ON_ERROR_STOP=1 -1
-- It can be run again and changes nothing then.

-- Which outbox this is. Job ids are derived from it: after a copy of the database for another use,
-- give the copy an id of its own (UPDATE weft_outbox_identity SET id = gen_random_uuid()).
CREATE TABLE IF NOT EXISTS weft_outbox_identity (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id  uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO weft_outbox_identity DEFAULT VALUES ON CONFLICT DO NOTHING;

-- One row is one job. The first six columns are yours, the others the relay's.
CREATE TABLE IF NOT EXISTS weft_outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL,
    queue       text NOT NULL DEFAULT 'default',
    payload     json,
    options     json NOT NULL DEFAULT '{}', -- any other field of POST /v1/jobs: {"priority": 2, "delay": "5m"}
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    refused_at  timestamptz, -- NULL: open. Else Weft has refused the row and nothing is stored of it
    error_code  text,        -- 'schema', 'bad-field' …, the slug of the error
    error       text
);
CREATE INDEX IF NOT EXISTS weft_outbox_refused ON weft_outbox (id) WHERE refused_at IS NOT NULL;

-- Wakes the relay when the transaction commits.
CREATE OR REPLACE FUNCTION weft_outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY weft_outbox;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER weft_outbox_notify AFTER INSERT OR UPDATE OF refused_at ON weft_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION weft_outbox_notify();

-- An open row may have been submitted already, so it must not change; a refused one may be mended.
CREATE OR REPLACE FUNCTION weft_outbox_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of weft_outbox can be changed only after it was refused; delete it and insert another';
END $$;
CREATE OR REPLACE TRIGGER weft_outbox_guard BEFORE UPDATE OF id, type, queue, payload, options, traceparent ON weft_outbox
    FOR EACH ROW WHEN (OLD.refused_at IS NULL) EXECUTE FUNCTION weft_outbox_guard();
