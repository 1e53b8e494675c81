-- Forgets marks of foreign senders' events, but not how many there were. One that is set aside is kept, for it may yet be retried.
-- Inside the write lock, so that both statements take the same rows.
INSERT INTO webhook_forgotten (source, how, events)
    SELECT $source, how, count(*) FROM (
        SELECT how FROM webhook_processed WHERE source = $source AND processed_at < $before AND how <> 'parked'
        ORDER BY processed_at, event_id LIMIT $chunk)
    WHERE true
    GROUP BY how
    ON CONFLICT DO UPDATE SET events = events + excluded.events;

DELETE FROM webhook_processed WHERE source = $source AND event_id IN (
    SELECT event_id FROM webhook_processed WHERE source = $source AND processed_at < $before AND how <> 'parked'
    ORDER BY processed_at, event_id LIMIT $chunk);

SELECT changes();
