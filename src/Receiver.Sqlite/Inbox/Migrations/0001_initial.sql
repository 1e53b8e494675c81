-- The inbox file, as it was before schemas were numbered: what is there already stays as it is. Only the intake's writer writes here, and never while a handler's transaction is open elsewhere.

-- One row for a source: its endpoint once known, and counts that outlive pruning.
CREATE TABLE IF NOT EXISTS source (
    name       TEXT PRIMARY KEY,
    endpoint   TEXT,
    suspect    INTEGER NOT NULL DEFAULT 0 CHECK (suspect IN (0, 1)),
    received   INTEGER NOT NULL DEFAULT 0,
    backfilled INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    hold       TEXT,
    -- Raised with each change, so that another process sees that what it has in mind is old.
    revision   INTEGER NOT NULL DEFAULT 0
);

-- One row for a numbered event, never updated. What is processed is told by the watermark beside the handler's data.
CREATE TABLE IF NOT EXISTS received (
    source      TEXT NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    epoch       INTEGER NOT NULL CHECK (epoch > 0),
    event_id    TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    body        BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    from_feed   INTEGER NOT NULL CHECK (from_feed IN (0, 1)),
    PRIMARY KEY (source, seq, epoch)
);

-- One row for an event of a foreign sender. It stays after it is done, as the memory that it was here.
CREATE TABLE IF NOT EXISTS unnumbered (
    arrival     INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    body        BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    done        INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    attempts    INTEGER NOT NULL DEFAULT 0,
    retry_at    INTEGER,
    error       TEXT,
    UNIQUE (source, event_id)
);

CREATE INDEX IF NOT EXISTS unnumbered_waiting ON unnumbered (source, arrival) WHERE done = 0;

-- Where each epoch of a source's stream begins.
CREATE TABLE IF NOT EXISTS epoch (
    source TEXT NOT NULL,
    epoch  INTEGER NOT NULL,
    seq    INTEGER NOT NULL CHECK (seq > 0),
    PRIMARY KEY (source, epoch)
);

-- Numbers that cannot be had any more, so that the watermark may pass them.
CREATE TABLE IF NOT EXISTS lost (
    source   TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL CHECK (to_seq >= from_seq),
    PRIMARY KEY (source, from_seq)
);
