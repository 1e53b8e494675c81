-- The marks, as they were before schemas were numbered: what is there already stays as it is. They live where the handlers write, so that an effect and its mark commit together.

-- How far a source's stream is processed, and counts of how it was. Moved only by comparing, so two processes cannot both move it.
CREATE TABLE IF NOT EXISTS webhook_stream (
    source    TEXT PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    watermark INTEGER NOT NULL CHECK (watermark >= 0),
    processed INTEGER NOT NULL DEFAULT 0,
    unhandled INTEGER NOT NULL DEFAULT 0,
    void      INTEGER NOT NULL DEFAULT 0,
    parked    INTEGER NOT NULL DEFAULT 0,
    lost      INTEGER NOT NULL DEFAULT 0
);

-- Events of foreign senders that were processed, remembered as long as IdRetention says; seconds since 1970.
CREATE TABLE IF NOT EXISTS webhook_processed (
    source       TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    processed_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)),
    PRIMARY KEY (source, event_id)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS webhook_processed_age ON webhook_processed (source, processed_at);

-- How many of them are remembered no more.
CREATE TABLE IF NOT EXISTS webhook_forgotten (
    source TEXT PRIMARY KEY,
    events INTEGER NOT NULL
);

-- Events set aside after their handler's last attempt, whole: the inbox may prune its copy.
CREATE TABLE IF NOT EXISTS webhook_parked (
    source    TEXT NOT NULL,
    epoch     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    event_id  TEXT NOT NULL,
    body      BLOB NOT NULL,
    reason    TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    -- Events of foreign senders are all of epoch 0 and number 0.
    PRIMARY KEY (source, epoch, seq, event_id)
);

-- Numbers that the watermark passed, or went back before, in another way than by processing.
CREATE TABLE IF NOT EXISTS webhook_passed (
    source   TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL,
    reason   TEXT NOT NULL
);
