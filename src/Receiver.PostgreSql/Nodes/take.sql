-- Locks the lease for this statement. Of two nodes that take it the second waits and then finds it taken. The epoch goes up even when the last owner
-- gave it back, so that nothing it left behind can commit.
UPDATE inbox.lease SET owner = $2, epoch = epoch + 1, expires_at = clock_timestamp() + $3
WHERE source = $1 AND (owner IS NULL OR expires_at <= clock_timestamp())
RETURNING epoch
