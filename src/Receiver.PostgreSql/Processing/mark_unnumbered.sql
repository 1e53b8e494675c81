-- The source's progress is locked, and the event's row until the commit. Of two that mark it the second waits, and then finds it done.
UPDATE inbox.unnumbered SET done_at = now(), how = $3, attempts = 0, retry_at = NULL, error = NULL WHERE source = $1 AND event_id = $2 AND how IS NULL
