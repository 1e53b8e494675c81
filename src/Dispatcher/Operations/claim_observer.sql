-- Locks the observer's row. It is taken when nobody has it or whoever has it was not heard of for so long; a new one begins with what happens from now on.
-- $1 name, $2 owner, $3 for how long. Gives its state when it is this process's.
INSERT INTO webhooks.observer AS o (name, mark, owner, leased_until)
VALUES ($1, coalesce((SELECT max(operational_event) FROM webhooks.operational_event), 0), $2, clock_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE SET owner = $2, leased_until = clock_timestamp() + $3::interval
WHERE o.owner = $2 OR o.leased_until < clock_timestamp()
RETURNING o.mark, o.gap_first, o.gap_last, o.gap_horizon
