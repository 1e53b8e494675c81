-- Locks the holds of a source's single events, which no handler's transaction has, up to a number.
DELETE FROM inbox.event_hold WHERE source = $1 AND seq <= $2
