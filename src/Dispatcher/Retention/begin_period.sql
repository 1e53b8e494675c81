-- Locks the rows of two periods; runs under maintenance's lock, in a transaction of its own, after the one in which the numbers jumped: whoever drew a number of the old
-- period had a transaction id before that, and so below the one that this transaction gets. $1 period, $2 now
WITH ended AS (
    UPDATE webhooks.period SET ended_at = $2, horizon = pg_current_xact_id()::text::bigint WHERE period = $1 - 1
)
UPDATE webhooks.period SET began_at = $2 WHERE period = $1
