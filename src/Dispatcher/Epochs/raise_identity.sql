-- Locks the row; runs under every bucket's lock. Draws the next epoch and records what the database is now.
-- Not simply the next number: who restores a backup from before an earlier raise would give that raise's epoch a second time, to other events. The seconds since 2026 only grow.
-- $1 system identifier or null, $2 timeline
UPDATE webhooks.database_identity
SET epoch = greatest(epoch + 1, extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00Z')::integer),
    system_identifier = coalesce($1, system_identifier), timeline = $2
WHERE one
RETURNING epoch
