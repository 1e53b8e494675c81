-- Locks nothing; comes after the lock on the source, so that what it does not find is not there.
SELECT seq, epoch, event_id FROM inbox.received WHERE source = $1 AND seq = ANY ($2)
