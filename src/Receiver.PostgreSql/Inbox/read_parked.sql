-- Locks nothing.
SELECT seq, epoch, event_id, endpoint, type, body, received_at, attempts, reason, parked_at FROM inbox.parked
WHERE source = $1 AND (seq, epoch, event_id) > ($2, $3, $4) AND ($5::text IS NULL OR event_id = $5)
ORDER BY source, seq, epoch, event_id LIMIT $6
