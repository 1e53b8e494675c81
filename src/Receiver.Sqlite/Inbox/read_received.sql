-- Reads stored events in the order of their numbers, as far as the reader goes: the key's index gives them in that order. Takes no lock.
SELECT seq, epoch, event_id, endpoint, body, received_at, from_feed
FROM received
WHERE source = $source AND seq >= $seq
ORDER BY seq, epoch;
