-- Locks the lease for this statement. Given back only by the node that has it, in the same taking.
UPDATE inbox.lease SET owner = NULL, expires_at = '-infinity' WHERE source = $1 AND owner = $2 AND epoch = $3
