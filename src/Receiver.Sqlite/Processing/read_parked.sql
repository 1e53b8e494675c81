-- Reads what was set aside, in the order of its keys. Takes no lock.
SELECT epoch, seq, event_id, endpoint, body, received_at, attempts, reason, parked_at, type
FROM webhook_parked
WHERE source = $source AND (seq, epoch, event_id) > ($seq, $epoch, $id) AND ($only IS NULL OR event_id = $only)
ORDER BY seq, epoch, event_id
LIMIT $limit;
