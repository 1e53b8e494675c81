-- Events beyond the watermark that were settled by themselves. The watermark removes them when it passes, so there are never many.
CREATE TABLE webhook_ahead (
    source TEXT NOT NULL,
    seq    INTEGER NOT NULL CHECK (seq > 0),
    epoch  INTEGER NOT NULL CHECK (epoch > 0),
    how    TEXT NOT NULL,
    PRIMARY KEY (source, seq, epoch)
) WITHOUT ROWID;

-- Events that somebody had passed over.
ALTER TABLE webhook_stream ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

-- What is needed to handle a parked event once more, and to say how it fared.
ALTER TABLE webhook_parked ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhook_parked ADD COLUMN endpoint TEXT;
ALTER TABLE webhook_parked ADD COLUMN type TEXT;
ALTER TABLE webhook_parked ADD COLUMN received_at INTEGER NOT NULL DEFAULT 0;
UPDATE webhook_parked SET received_at = parked_at;

-- How each event of a foreign sender was settled. A mark of an earlier version says so only of those parked.
ALTER TABLE webhook_processed ADD COLUMN how TEXT NOT NULL DEFAULT 'processed';
UPDATE webhook_processed SET how = 'parked' WHERE EXISTS (
    SELECT 1 FROM webhook_parked AS parked
    WHERE parked.source = webhook_processed.source AND parked.epoch = 0 AND parked.seq = 0 AND parked.event_id = webhook_processed.event_id);

-- The mark of a parked event may have been forgotten; from now on it is kept for as long as the event is, and so counted once.
UPDATE webhook_forgotten SET events = max(0, events - (
    SELECT count(*) FROM webhook_parked AS parked
    WHERE parked.source = webhook_forgotten.source AND parked.epoch = 0 AND parked.seq = 0 AND NOT EXISTS (
        SELECT 1 FROM webhook_processed AS mark WHERE mark.source = parked.source AND mark.event_id = parked.event_id)));
INSERT INTO webhook_processed (source, event_id, processed_at, how)
    SELECT source, event_id, parked_at / 1000, 'parked' FROM webhook_parked WHERE epoch = 0 AND seq = 0
    ON CONFLICT DO NOTHING;

CREATE TABLE webhook_forgotten_by_kind (
    source TEXT NOT NULL,
    how    TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (source, how)
);
INSERT INTO webhook_forgotten_by_kind (source, how, events) SELECT source, 'processed', events FROM webhook_forgotten;
DROP TABLE webhook_forgotten;
ALTER TABLE webhook_forgotten_by_kind RENAME TO webhook_forgotten;
