-- Reads events of foreign senders whose handler has failed and that are not settled. Takes no lock.
SELECT event_id, body, received_at, attempts, retry_at, error, failed_at, type
FROM unnumbered
WHERE source = $source AND done = 0 AND attempts > 0 AND event_id > $after AND ($only IS NULL OR event_id = $only)
ORDER BY event_id
LIMIT $limit;
