-- Locks nothing. Events that count at their number, of the epoch that holds there or of a later known one: of each number the first of these.
SELECT DISTINCT ON (r.source, r.seq) r.seq, r.epoch, r.event_id, s.endpoint, r.body, r.received_at, r.from_feed
FROM inbox.source s JOIN inbox.received r ON r.source = s.name
WHERE s.name = $1 AND r.seq >= $2 AND r.epoch <= s.epochs[cardinality(s.epochs)]
  AND r.epoch >= coalesce((SELECT max(e.epoch) FROM unnest(s.epochs, s.epoch_starts) AS e (epoch, start) WHERE e.start <= r.seq), 0)
ORDER BY r.source, r.seq, r.epoch LIMIT $3
