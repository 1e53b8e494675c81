-- Locks the key's row; who finds it locked leaves it. When it was last used, to the minute. $1 key
UPDATE webhooks.api_key SET last_used_at = clock_timestamp()
WHERE api_key = (SELECT api_key FROM webhooks.api_key
                 WHERE api_key = $1 AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
                 FOR NO KEY UPDATE SKIP LOCKED)
