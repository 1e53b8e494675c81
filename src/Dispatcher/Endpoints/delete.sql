-- Locks the endpoint's row, then its delivery state. $1 endpoint id.
WITH deleted AS (
    UPDATE webhooks.endpoint SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL
    RETURNING endpoint, application, bucket, event_types
), state AS (
    UPDATE webhooks.delivery_state s
    SET status = 'deleted', pause_reason = NULL, pause_evidence = NULL, paused_at = NULL, version = version + 1
    FROM deleted WHERE s.endpoint = deleted.endpoint
), audit AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor) SELECT 'endpoint.deleted', endpoint, 'operator' FROM deleted
), marker AS (
    INSERT INTO webhooks.endpoint_change (bucket, position, endpoint, application, event_types, deleted)
    SELECT bucket, webhooks.next_position(bucket), endpoint, application, event_types, true FROM deleted
)
SELECT endpoint, bucket FROM deleted
