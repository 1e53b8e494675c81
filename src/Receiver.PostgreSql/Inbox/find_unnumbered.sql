-- Locks nothing; comes after the lock on the source. A row that a handler's open transaction has changed is seen as it was, and not waited for,
-- which an insert that meets it would do. Each id is looked up by itself, however many rows there are.
SELECT u.event_id FROM unnest($2::text[]) AS asked (id)
CROSS JOIN LATERAL (SELECT event_id FROM inbox.unnumbered WHERE source = $1 AND event_id = asked.id LIMIT 1) AS u
