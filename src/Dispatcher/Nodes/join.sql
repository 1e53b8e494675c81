-- Locks nothing but the row it adds. $1 node, $2 name, $3 lease duration, $4 how many endpoints it can work on
INSERT INTO webhooks.node (node, name, expires_at, capacity) VALUES ($1, $2, clock_timestamp() + $3, $4)
