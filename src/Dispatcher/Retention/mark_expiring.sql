-- Locks the row of one period; runs under maintenance's lock. From here on no new endpoint is given history out of it. $1 period, $2 now
UPDATE webhooks.period SET expiring_at = coalesce(expiring_at, $2) WHERE period = $1
