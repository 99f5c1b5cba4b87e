-- Weft's outbox for SQLite. Run it once: weft outbox schema sqlite | sqlite3 app.db
-- It can be run again and changes nothing then. With PRAGMA journal_mode = WAL, readers and the
-- writer do not wait for each other; the relay works with any mode.

-- Which outbox this is. Job ids are derived from it: after a copy of the database for another use,
-- give the copy an id of its own (UPDATE weft_outbox_identity SET id = lower(hex(randomblob(16)))).
CREATE TABLE IF NOT EXISTS weft_outbox_identity (
    one INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    id  TEXT NOT NULL
);
INSERT OR IGNORE INTO weft_outbox_identity (one, id) VALUES (1, lower(hex(randomblob(16))));

-- One row is one job. The first six columns are yours, the others the relay's. AUTOINCREMENT: an id
-- is never used twice.
CREATE TABLE IF NOT EXISTS weft_outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    type        TEXT NOT NULL,
    queue       TEXT NOT NULL DEFAULT 'default',
    payload     TEXT,                       -- JSON
    options     TEXT NOT NULL DEFAULT '{}', -- any other field of POST /v1/jobs: {"priority": 2, "delay": "5m"}
    traceparent TEXT,
    created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    refused_at  TEXT, -- NULL: open. Else Weft has refused the row and nothing is stored of it
    error_code  TEXT, -- 'schema', 'bad-field' …, the slug of the error
    error       TEXT
);
CREATE INDEX IF NOT EXISTS weft_outbox_refused ON weft_outbox (id) WHERE refused_at IS NOT NULL;

-- An open row may have been submitted already, so it must not change; a refused one may be mended.
CREATE TRIGGER IF NOT EXISTS weft_outbox_guard
BEFORE UPDATE OF id, type, queue, payload, options, traceparent ON weft_outbox WHEN OLD.refused_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a row of weft_outbox can be changed only after it was refused; delete it and insert another');
END;
