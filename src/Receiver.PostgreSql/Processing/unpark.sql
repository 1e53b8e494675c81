-- Locks the parked event's row until the commit, which follows at once. Of two that take it back the second waits, and then finds none.
DELETE FROM inbox.parked WHERE source = $1 AND seq = $2 AND epoch = $3 AND event_id = $4
