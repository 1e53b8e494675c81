-- Locks one event's hold for this statement.
DELETE FROM inbox.event_hold WHERE source = $1 AND seq = $2 AND epoch = $3
