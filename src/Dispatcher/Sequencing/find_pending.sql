-- Locks nothing. Which of these buckets have something to sequence: beyond the mark, or in a gap that has been filled. $1 buckets
-- Everything is looked up from the newest sequencer_batch row on, so what was sequenced costs nothing, even while an old snapshot keeps it.
-- The lowest of each is asked for, and not whether there is any: that is one step in an index, whatever the planner believes of the table.
SELECT b.bucket
FROM unnest($1::smallint[]) AS b(bucket)
CROSS JOIN LATERAL (
    SELECT mark, gap_first, gap_last FROM webhooks.sequencer_batch s WHERE s.bucket = b.bucket ORDER BY s.batch DESC LIMIT 1
) s
WHERE (SELECT e.position FROM webhooks.event e WHERE e.bucket = b.bucket AND e.position > s.mark ORDER BY e.position LIMIT 1) IS NOT NULL
   OR (SELECT c.position FROM webhooks.endpoint_change c WHERE c.bucket = b.bucket AND c.position > s.mark ORDER BY c.position LIMIT 1) IS NOT NULL
   OR EXISTS (SELECT FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
              WHERE (SELECT e.position FROM webhooks.event e
                     WHERE e.bucket = b.bucket AND e.position BETWEEN g.first AND g.last ORDER BY e.position LIMIT 1) IS NOT NULL
                 OR (SELECT c.position FROM webhooks.endpoint_change c
                     WHERE c.bucket = b.bucket AND c.position BETWEEN g.first AND g.last ORDER BY c.position LIMIT 1) IS NOT NULL)
