-- Locks the rows that it adds to, in the order of the endpoints, so that two processes that have counted of the same ones wait for each other in turn and not both.
-- $1 endpoints, $2 minutes, $3 attempts by outcome and $4 settled events by word, JSON objects as text, $5 latencies, arrays as text, $6 the longest in microseconds; no minute
-- of an endpoint twice
INSERT INTO webhooks.endpoint_statistic AS s (endpoint, minute, attempts, settled, latency, longest)
SELECT u.endpoint, u.minute, u.attempts::jsonb, u.settled::jsonb, u.latency::bigint[], u.longest
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS u(endpoint, minute, attempts, settled, latency, longest)
ORDER BY u.endpoint, u.minute
ON CONFLICT (endpoint, minute) DO UPDATE
SET attempts = webhooks.add_counts(s.attempts, excluded.attempts), settled = webhooks.add_counts(s.settled, excluded.settled),
    latency = webhooks.add_latency(s.latency, excluded.latency), longest = greatest(s.longest, excluded.longest)
