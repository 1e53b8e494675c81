-- Locks nothing. What is recorded of this database, and what it is: the timeline, and how far its log is on disk; both null on a standby.
-- The name of a log file begins with the timeline that is written, also between a promotion and the first checkpoint, which pg_control_checkpoint() waits for.
SELECT i.epoch, i.system_identifier, i.timeline,
       CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer END AS timeline_now,
       CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_flush_lsn() - '0/0')::bigint END AS log_position
FROM webhooks.database_identity i
