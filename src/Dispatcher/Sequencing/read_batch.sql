-- Locks nothing; runs under the bucket's lock, in one snapshot that also gives its oldest running transaction. $1 bucket, $2 how many.
-- `horizon` is this transaction's own id, drawn here and so after the snapshot: whoever drew a place below one that is visible has a lower id.
-- The snapshot's xmax would not do: it counts only transactions that have ended, and an open one may lie beyond it.
-- The lowest visible positions: in the gaps, then beyond the mark. The first row carries the state and nothing else.
-- `period` is the one in force: under the bucket's lock it is never lower than in the batch before.
-- `target_positions` and `target_endpoints` are the events for one endpoint alone: looked up once a batch, not once an event.
WITH s AS MATERIALIZED (
    SELECT batch, mark, gap_first, gap_last, gap_horizon,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin
    FROM webhooks.sequencer_batch WHERE bucket = $1 ORDER BY batch DESC LIMIT 1
), targets AS MATERIALIZED (
    SELECT array_agg(t.position) AS positions, array_agg(t.endpoint) AS endpoints
    FROM s CROSS JOIN LATERAL (
        (SELECT late.* FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
         CROSS JOIN LATERAL (SELECT position, endpoint FROM webhooks.event_target
                             WHERE bucket = $1 AND position BETWEEN g.first AND g.last ORDER BY position LIMIT $2) late)
        UNION ALL
        (SELECT position, endpoint FROM webhooks.event_target WHERE bucket = $1 AND position > s.mark ORDER BY position LIMIT $2)
    ) t
), pending AS (
    SELECT e.position, e.application, e.type, e.dedupe_key, e.published_at,
           NULL::bigint AS endpoint, NULL::text[] AS event_types, NULL::timestamptz AS since, NULL::boolean AS deleted
    FROM s CROSS JOIN LATERAL (
        (SELECT late.* FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
         CROSS JOIN LATERAL (SELECT position, application, type, dedupe_key, published_at FROM webhooks.event
                             WHERE bucket = $1 AND position BETWEEN g.first AND g.last ORDER BY position LIMIT $2) late
         ORDER BY late.position LIMIT $2)
        UNION ALL
        (SELECT position, application, type, dedupe_key, published_at FROM webhooks.event
         WHERE bucket = $1 AND position > s.mark ORDER BY position LIMIT $2)
    ) e
    UNION ALL
    SELECT c.position, c.application, NULL, NULL, NULL, c.endpoint, c.event_types, c.since, c.deleted
    FROM s CROSS JOIN LATERAL (
        (SELECT late.* FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
         CROSS JOIN LATERAL (SELECT position, endpoint, application, event_types, since, deleted FROM webhooks.endpoint_change
                             WHERE bucket = $1 AND position BETWEEN g.first AND g.last ORDER BY position LIMIT $2) late
         ORDER BY late.position LIMIT $2)
        UNION ALL
        (SELECT position, endpoint, application, event_types, since, deleted FROM webhooks.endpoint_change WHERE bucket = $1 AND position > s.mark ORDER BY position LIMIT $2)
    ) c
)
SELECT s.batch, s.mark, s.gap_first, s.gap_last, s.gap_horizon, s.xmin,
       (SELECT n.period FROM webhooks.period n WHERE n.began_at IS NOT NULL ORDER BY n.period DESC LIMIT 1) AS period,
       NULL::bigint AS horizon, NULL::bigint AS position, NULL::bigint AS application, NULL::text AS type, NULL::text AS dedupe_key,
       NULL::timestamptz AS published_at, NULL::bigint AS endpoint, NULL::text[] AS event_types, NULL::timestamptz AS since, NULL::boolean AS deleted,
       (SELECT positions FROM targets) AS target_positions, (SELECT endpoints FROM targets) AS target_endpoints
FROM s
UNION ALL
(SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, (SELECT pg_current_xact_id()::text::bigint), p.*, NULL, NULL FROM pending p ORDER BY p.position LIMIT $2)
