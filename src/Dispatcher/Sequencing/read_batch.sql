-- Locks nothing; runs under the bucket's lock, in one snapshot that also gives its oldest running transaction. $1 bucket, $2 how many.
-- `horizon` is this transaction's own id, drawn here and so after the snapshot: whoever drew a place below one that is visible has a lower id.
-- The snapshot's xmax would not do: it counts only transactions that have ended, and an open one may lie beyond it.
-- The lowest visible positions: in the gaps, then beyond the mark. The first row carries the state and the events, as arrays, for a row each would cost more than finding
-- them; those with a key apart, for most have none. The rows behind it are changes of endpoints.
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
), events AS MATERIALIZED (
    SELECT array_agg(e.position) AS positions, array_agg(e.application) AS applications, array_agg(e.type) AS types,
           array_agg(e.position) FILTER (WHERE e.dedupe_key IS NOT NULL) AS keyed,
           array_agg(e.dedupe_key) FILTER (WHERE e.dedupe_key IS NOT NULL) AS keys,
           array_agg(e.published_at) FILTER (WHERE e.dedupe_key IS NOT NULL) AS times
    FROM (
        SELECT e.* FROM s CROSS JOIN LATERAL (
            (SELECT late.* FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
             CROSS JOIN LATERAL (SELECT position, application, type, dedupe_key, published_at FROM webhooks.event
                                 WHERE bucket = $1 AND position BETWEEN g.first AND g.last ORDER BY position LIMIT $2) late
             ORDER BY late.position LIMIT $2)
            UNION ALL
            (SELECT position, application, type, dedupe_key, published_at FROM webhooks.event
             WHERE bucket = $1 AND position > s.mark ORDER BY position LIMIT $2)
        ) e
        ORDER BY e.position LIMIT $2
    ) e
), changes AS MATERIALIZED (
    SELECT c.* FROM s CROSS JOIN LATERAL (
        (SELECT late.* FROM unnest(s.gap_first, s.gap_last) AS g(first, last)
         CROSS JOIN LATERAL (SELECT position, application, endpoint, event_types, since, deleted FROM webhooks.endpoint_change
                             WHERE bucket = $1 AND position BETWEEN g.first AND g.last ORDER BY position LIMIT $2) late
         ORDER BY late.position LIMIT $2)
        UNION ALL
        (SELECT position, application, endpoint, event_types, since, deleted FROM webhooks.endpoint_change
         WHERE bucket = $1 AND position > s.mark ORDER BY position LIMIT $2)
    ) c
)
SELECT s.batch, s.mark, s.gap_first, s.gap_last, s.gap_horizon, s.xmin,
       (SELECT n.period FROM webhooks.period n WHERE n.began_at IS NOT NULL ORDER BY n.period DESC LIMIT 1) AS period,
       CASE WHEN e.positions IS NOT NULL OR EXISTS (SELECT FROM changes) THEN pg_current_xact_id()::text::bigint END AS horizon,
       e.positions, e.applications, e.types, e.keyed, e.keys, e.times, t.positions AS target_positions, t.endpoints AS target_endpoints,
       NULL::bigint AS position, NULL::bigint AS application, NULL::bigint AS endpoint, NULL::text[] AS event_types, NULL::timestamptz AS since, NULL::boolean AS deleted
FROM s, events e, targets t
UNION ALL
(SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.* FROM changes c ORDER BY c.position LIMIT $2)
