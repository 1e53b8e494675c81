-- Locks the minutes that it takes away and the hours that it adds them to, in the order of the endpoints; runs under maintenance's lock. Each minute is in one of the two tables
-- at any time.
-- $1 how long minutes are kept, $2 how many at most. Gives how many there were.
WITH gone AS (
    DELETE FROM webhooks.endpoint_statistic
    WHERE (endpoint, minute) IN (SELECT endpoint, minute FROM webhooks.endpoint_statistic WHERE minute < clock_timestamp() - $1::interval ORDER BY minute LIMIT $2)
    RETURNING endpoint, minute, attempts, settled, latency, longest
), added AS (
    INSERT INTO webhooks.endpoint_statistic_hour AS s (endpoint, hour, attempts, settled, latency, longest)
    SELECT endpoint, date_trunc('hour', minute, 'UTC') AS hour, webhooks.sum_counts(attempts), webhooks.sum_counts(settled), webhooks.sum_latency(latency), max(longest)
    FROM gone GROUP BY endpoint, hour ORDER BY endpoint, hour
    ON CONFLICT (endpoint, hour) DO UPDATE
    SET attempts = webhooks.add_counts(s.attempts, excluded.attempts), settled = webhooks.add_counts(s.settled, excluded.settled),
        latency = webhooks.add_latency(s.latency, excluded.latency), longest = greatest(s.longest, excluded.longest)
)
SELECT count(*) FROM gone
