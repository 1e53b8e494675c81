-- Locks the endpoint's delivery state. An operator's pause; the lease stays until its owner has stopped. $1 endpoint id
WITH paused AS (
    UPDATE webhooks.delivery_state s
    SET status = 'paused', pause_reason = 'manual', pause_evidence = 'Paused by an operator.', paused_at = clock_timestamp(), due_at = NULL
    FROM webhooks.endpoint e WHERE e.id = $1 AND s.endpoint = e.endpoint AND s.status <> 'deleted' AND s.pause_reason IS DISTINCT FROM 'manual'
    RETURNING s.endpoint
)
INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
SELECT 'endpoint.paused', endpoint, 'operator', '{"reason": "manual"}' FROM paused
