-- Locks nothing. A live key by its hash; the clock is asked for, not the transaction's beginning. $1 hash
SELECT k.api_key, k.id, k.organization, k.application, k.endpoint, k.scopes, k.requests_per_minute, k.expires_at
FROM webhooks.api_key k
WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
