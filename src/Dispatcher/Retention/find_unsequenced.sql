-- Locks nothing; the caller holds the bucket's lock, shared, since an earlier statement, so that no batch is under way.
-- Whether a bucket has an event below a position that is not sequenced: beyond the mark, or in a gap that was filled. $1 bucket, $2 position
SELECT coalesce(
    (SELECT e.position FROM webhooks.event e WHERE e.bucket = $1 AND e.position > s.mark AND e.position < $2 ORDER BY e.position LIMIT 1),
    (SELECT late.position FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
     CROSS JOIN LATERAL (SELECT e.position FROM webhooks.event e
                         WHERE e.bucket = $1 AND e.position BETWEEN g.first AND least(g.last, $2 - 1) ORDER BY e.position LIMIT 1) late
     LIMIT 1)) IS NOT NULL
FROM (SELECT mark, gap_first, gap_last FROM webhooks.sequencer_batch WHERE bucket = $1 ORDER BY batch DESC LIMIT 1) s
