-- Locks nothing. Streams with their state, the newest endpoints first, for an operator's page. $1 status or null for any, $2 older than this, $3 how many
SELECT e.endpoint, e.id, a.id AS application, e.url, s.status, s.pause_reason, s.pause_evidence,
       coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint ORDER BY d.seq DESC LIMIT 1), t.floor - 1) AS head,
       greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                                          ORDER BY x.settlement DESC LIMIT 1), 0)) AS cursor,
       s.consecutive_failures::int,
       CASE WHEN s.lease_owner IS NOT NULL THEN 'being sent to' WHEN s.due_at > clock_timestamp() THEN 'waits until'
            WHEN s.due_at IS NOT NULL THEN 'due since' ELSE 'nothing to send' END AS work,
       s.due_at
FROM webhooks.delivery_state s
JOIN webhooks.endpoint e ON e.endpoint = s.endpoint
JOIN webhooks.application a ON a.application = e.application
JOIN webhooks.stream t ON t.endpoint = s.endpoint
WHERE e.deleted_at IS NULL AND e.endpoint < $2 AND s.status = coalesce($1::text, s.status)
ORDER BY e.endpoint DESC LIMIT $3
