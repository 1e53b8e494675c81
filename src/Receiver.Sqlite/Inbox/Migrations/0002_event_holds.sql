-- What a single event of a stream waits for, where events do not all wait for each other. Removed when the event is settled.
CREATE TABLE event_hold (
    source TEXT NOT NULL,
    seq    INTEGER NOT NULL CHECK (seq > 0),
    epoch  INTEGER NOT NULL CHECK (epoch > 0),
    hold   TEXT NOT NULL,
    PRIMARY KEY (source, seq, epoch)
) WITHOUT ROWID;

-- When the handler of an event of a foreign sender last failed; milliseconds since 1970.
ALTER TABLE unnumbered ADD COLUMN failed_at INTEGER;

-- The type of an event of a foreign sender, where the body does not state it.
ALTER TABLE unnumbered ADD COLUMN type TEXT;
