-- Locks nothing.
SELECT event_id, type, body, received_at, attempts, retry_at, error, failed_at FROM inbox.unnumbered
WHERE source = $1 AND done_at IS NULL AND attempts > 0 AND event_id > $2 AND ($3::text IS NULL OR event_id = $3)
ORDER BY source, event_id LIMIT $4
