-- Locks one event's row for this statement. One that is done meanwhile stays so.
UPDATE inbox.unnumbered SET attempts = $3, retry_at = $4, error = $5, failed_at = $6 WHERE source = $1 AND event_id = $2 AND how IS NULL
