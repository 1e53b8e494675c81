-- Locks the observer's row, compared with its owner. Whoever comes next need not wait. $1 name, $2 owner
UPDATE webhooks.observer SET leased_until = clock_timestamp() WHERE name = $1 AND owner = $2
