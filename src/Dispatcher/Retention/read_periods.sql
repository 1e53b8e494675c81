-- Locks nothing. The periods there are; a few dozen. Writers have ended when every transaction that was running when the numbers jumped has: an id from
-- the future can only be of another server, from which this database was copied, and nobody runs there for it.
SELECT n.period, n.created_at, n.began_at, n.ended_at, n.expiring_at, n.floors_raised_at,
       (SELECT r.late_at FROM webhooks.delivery_reach r WHERE r.event_period = n.period AND r.late_at IS NOT NULL ORDER BY r.late_at DESC LIMIT 1) AS late_at,
       (n.horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint OR n.horizon >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint) IS TRUE AS writers_ended
FROM webhooks.period n ORDER BY n.period
