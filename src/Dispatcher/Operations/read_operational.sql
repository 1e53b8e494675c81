-- Locks nothing. What is visible in the gaps and beyond the mark, the lowest first; each row with the oldest transaction running in this snapshot, and this transaction's own id, drawn
-- after it: whoever drew a number below one that is visible has a lower id. $1 mark, $2 .. $3 gaps: first, last, $4 how many
SELECT e.operational_event, e.at, e.type, a.id, p.id, e.actor, e.data::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, (SELECT pg_current_xact_id()::text::bigint)
FROM (
    (SELECT late.* FROM unnest($2::bigint[], $3::bigint[]) AS g(first, last)
     CROSS JOIN LATERAL (SELECT * FROM webhooks.operational_event WHERE operational_event BETWEEN g.first AND g.last ORDER BY operational_event LIMIT $4) late)
    UNION ALL
    (SELECT * FROM webhooks.operational_event WHERE operational_event > $1 ORDER BY operational_event LIMIT $4)
) e
LEFT JOIN webhooks.endpoint p ON p.endpoint = e.endpoint
LEFT JOIN webhooks.application a ON a.application = p.application
ORDER BY e.operational_event LIMIT $4
