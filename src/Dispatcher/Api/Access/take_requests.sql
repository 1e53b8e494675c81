-- Locks the key's row of this minute until the commit, which follows at once. Several requests at a time, so that not each asks for its own.
-- $1 key, $2 minute, $3 how many. Gives how many have been asked for so far, these included.
INSERT INTO webhooks.api_rate AS r (api_key, minute, used) VALUES ($1, $2, $3)
ON CONFLICT (api_key, minute) DO UPDATE SET used = r.used + $3
RETURNING used
