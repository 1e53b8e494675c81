-- The source's progress is locked. From now on the event's id is remembered anew.
UPDATE inbox.unnumbered SET how = $3, done_at = now() WHERE source = $1 AND event_id = $2 AND how IS NOT NULL
