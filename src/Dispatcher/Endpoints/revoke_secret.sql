-- Locks one secret and the endpoint's delivery state; the caller holds the endpoint's row. When the newest goes, the next one takes its place and no longer expires.
-- $1 endpoint, $2 secret, $3 the newest of the other live ones
WITH fenced AS (
    -- Whoever sends with what it was given before settles nothing any more, and is given what holds now.
    UPDATE webhooks.delivery_state SET version = version + 1 WHERE endpoint = $1
), revoked AS (
    UPDATE webhooks.endpoint_secret SET expires_at = clock_timestamp() WHERE endpoint = $1 AND secret = $2
), kept AS (
    UPDATE webhooks.endpoint_secret SET expires_at = NULL WHERE endpoint = $1 AND secret = $3 AND secret < $2
)
INSERT INTO webhooks.operational_event (type, endpoint, actor) VALUES ('endpoint.secret_revoked', $1, 'operator')
