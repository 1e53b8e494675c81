-- Locks the row of one period; runs under maintenance's lock. $1 period, $2 now
UPDATE webhooks.period SET floors_raised_at = $2 WHERE period = $1
