-- Locks nothing. What was counted of an endpoint: minutes, and with $4 the hours that older ones were added up to as well. $1 endpoint, $2 from, $3 to, $4 whether hours, too
SELECT s.minute AS at, s.attempts::text, s.settled::text, s.latency, s.longest
FROM webhooks.endpoint_statistic s WHERE s.endpoint = $1 AND s.minute >= $2 AND s.minute < $3
UNION ALL
SELECT h.hour, h.attempts::text, h.settled::text, h.latency, h.longest
FROM webhooks.endpoint_statistic_hour h WHERE $4::boolean AND h.endpoint = $1 AND h.hour >= $2 AND h.hour < $3
