-- Locks the lease against being taken until the commit, which follows at once: the first statement of it. A node whose lease was taken meanwhile
-- finds no row, and commits nothing. Renewals of its own wait just as long.
SELECT 1 FROM inbox.lease WHERE source = $1 AND epoch = $2 FOR SHARE
