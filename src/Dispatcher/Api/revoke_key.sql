-- Locks the key's row. One that is revoked stays as it is. $1 organization, $2 and $3 application and endpoint of the key that asks, or null, $4 id.
-- Gives a row when there is such a key: whether it was live until now, and its application.
WITH found AS (
    SELECT k.api_key, k.revoked_at, k.application
    FROM webhooks.api_key k
    WHERE k.id = $4 AND k.organization = $1 AND ($2::bigint IS NULL OR k.application = $2) AND ($3::bigint IS NULL OR k.endpoint = $3)
    FOR NO KEY UPDATE
), revoked AS (
    UPDATE webhooks.api_key SET revoked_at = clock_timestamp() WHERE api_key = (SELECT api_key FROM found WHERE revoked_at IS NULL)
)
SELECT f.revoked_at IS NULL, (SELECT a.id FROM webhooks.application a WHERE a.application = f.application) FROM found f
