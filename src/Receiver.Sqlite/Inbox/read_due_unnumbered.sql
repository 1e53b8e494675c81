-- Reads events of foreign senders that are due, in the order of their arrival. Takes no lock.
SELECT event_id, body, received_at, attempts, retry_at, error, failed_at, type
FROM unnumbered
WHERE source = $source AND done = 0 AND (attempts = 0 OR retry_at <= $now)
ORDER BY arrival
LIMIT $limit;
