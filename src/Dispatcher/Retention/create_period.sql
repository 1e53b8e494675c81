-- Locks the new partitions, and the tables against other changes of their partitions; nobody who reads or writes them waits. Runs under maintenance's lock.
-- $1 period, $2 now
WITH made AS MATERIALIZED (SELECT webhooks.create_partitions($1::int))
INSERT INTO webhooks.period (period, created_at) SELECT $1, $2 FROM made
