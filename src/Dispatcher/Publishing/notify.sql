-- Locks: a commit with a NOTIFY waits for every other such commit in the database. $1 channel, $2 payload.
SELECT pg_notify($1, $2)
