-- Locks nothing. How far a partition has been taken off: null when it is gone, otherwise whether it is attached, and whether its detaching was broken off.
-- $1 the partition
SELECT c.relispartition, coalesce(i.inhdetachpending, false)
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.oid = to_regclass($1)
