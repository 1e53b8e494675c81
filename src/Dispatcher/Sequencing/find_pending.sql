-- Locks nothing. Which buckets have something to sequence: beyond the mark, or in a gap that has been filled.
-- Everything is looked up from the newest sequencer_batch row on, so what was sequenced costs nothing, even while an old snapshot keeps it.
SELECT b.bucket
FROM webhooks.bucket b
CROSS JOIN LATERAL (
    SELECT mark, gap_first, gap_last FROM webhooks.sequencer_batch s WHERE s.bucket = b.bucket ORDER BY s.batch DESC LIMIT 1
) s
WHERE EXISTS (SELECT FROM webhooks.event e WHERE e.bucket = b.bucket AND e.position > s.mark)
   OR EXISTS (SELECT FROM webhooks.endpoint_change c WHERE c.bucket = b.bucket AND c.position > s.mark)
   OR EXISTS (SELECT FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
              WHERE EXISTS (SELECT FROM webhooks.event e WHERE e.bucket = b.bucket AND e.position BETWEEN g.first AND g.last)
                 OR EXISTS (SELECT FROM webhooks.endpoint_change c WHERE c.bucket = b.bucket AND c.position BETWEEN g.first AND g.last))
