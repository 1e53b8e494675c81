-- Locks one event's hold for this statement. One that is settled waits for nothing.
INSERT INTO inbox.event_hold (source, seq, epoch, hold)
SELECT p.source, $2, $3, $4 FROM inbox.progress p
WHERE p.source = $1 AND coalesce(p.watermark, 0) < $2 AND NOT EXISTS (SELECT 1 FROM inbox.ahead a WHERE a.source = $1 AND a.seq = $2 AND a.epoch = $3)
ON CONFLICT (source, seq, epoch) DO UPDATE SET hold = excluded.hold
