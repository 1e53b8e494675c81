-- Locks nothing.
SELECT seq, epoch, hold FROM inbox.event_hold WHERE source = $1 ORDER BY source, seq, epoch
