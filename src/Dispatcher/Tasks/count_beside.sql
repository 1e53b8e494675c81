-- Locks nothing. How many events wait beside an endpoint's stream, as far as it matters. $1 bucket, $2 endpoint, $3 the most that matters
SELECT count(*) FROM (SELECT FROM webhooks.deferred WHERE bucket = $1 AND endpoint = $2 LIMIT $3) d
