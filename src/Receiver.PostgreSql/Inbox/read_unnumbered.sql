-- Locks nothing: only the node that leads the source reads these to process them, and the mark is compared when it commits.
SELECT event_id, type, body, received_at, attempts, retry_at, error, failed_at FROM inbox.unnumbered
WHERE source = $1 AND done_at IS NULL AND (attempts = 0 OR retry_at <= $2)
ORDER BY source, arrival LIMIT $3
