-- Locks nothing; each is locked and looked at again when it is resumed. Those that were paused when it was asked for. $1 application, $2 reason or null for any, $3 beyond this endpoint, $4 before, $5 how many
SELECT e.endpoint, e.id FROM webhooks.endpoint e JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
WHERE e.application = $1 AND e.endpoint > $3 AND e.deleted_at IS NULL AND s.status = 'paused' AND s.pause_reason = coalesce($2::text, s.pause_reason) AND s.paused_at <= $4
ORDER BY e.endpoint LIMIT $5
