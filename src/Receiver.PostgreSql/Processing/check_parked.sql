-- Locks nothing: whether an event is set aside. Compared again when the transaction commits.
SELECT EXISTS (SELECT 1 FROM inbox.parked WHERE source = $1 AND seq = $2 AND epoch = $3 AND event_id = $4)
