-- Locks the leases of one node for this statement: one small write for all its sources. A lease that somebody took is not among what is returned.
-- One that has run out and was not taken goes on: nobody else has begun.
UPDATE inbox.lease SET expires_at = clock_timestamp() + $3 WHERE source = ANY ($1) AND owner = $2 RETURNING source, epoch
