-- Locks the application's row of this day until the commit, which follows at once. Several events at a time, so that not each asks for its own.
-- $1 application, $2 day, $3 how many. Gives how many have been asked for so far, these included.
INSERT INTO webhooks.api_quota AS q (application, day, used) VALUES ($1, $2, $3)
ON CONFLICT (application, day) DO UPDATE SET used = q.used + $3
RETURNING used
