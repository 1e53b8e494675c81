-- Locks nothing; comes after the lock on the source. A row that a handler's open transaction has changed is seen as it was, and not waited for,
-- which an insert that meets it would do.
SELECT event_id FROM inbox.unnumbered WHERE source = $1 AND event_id = ANY ($2)
