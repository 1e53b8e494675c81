-- Locks rows at or below where the stream stands, which nobody reads any more. Looks only at the lowest of them, so that it costs the same
-- however many are kept: a younger one among these keeps what lies above it a little longer.
WITH old AS (
    SELECT seq, epoch, received_at FROM inbox.received WHERE source = $1 AND seq <= $2 ORDER BY source, seq, epoch LIMIT $4)
DELETE FROM inbox.received r USING old WHERE r.source = $1 AND r.seq = old.seq AND r.epoch = old.epoch AND old.received_at < $3
