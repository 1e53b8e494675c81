-- Locks the observer's row, compared with its owner: who has lost it moves it no further. $1 name, $2 owner, $3 mark, $4 .. $6 gaps: first, last, horizon, $7 for how long it is kept
UPDATE webhooks.observer SET mark = $3, gap_first = $4, gap_last = $5, gap_horizon = $6, leased_until = clock_timestamp() + $7::interval
WHERE name = $1 AND owner = $2 AND leased_until > clock_timestamp()
RETURNING 1
