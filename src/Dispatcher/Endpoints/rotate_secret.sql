-- Locks the endpoint's secrets; the caller holds its row. $1 endpoint, $2 new secret, $3 overlap.
WITH old AS (
    UPDATE webhooks.endpoint_secret SET expires_at = clock_timestamp() + $3
    WHERE endpoint = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp() + $3)
), audit AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    VALUES ('endpoint.secret_rotated', $1, 'operator', jsonb_build_object('overlap_seconds', extract(epoch FROM $3::interval)))
)
INSERT INTO webhooks.endpoint_secret (endpoint, ciphertext) VALUES ($1, $2)
