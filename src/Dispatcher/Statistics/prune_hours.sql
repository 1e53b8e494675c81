-- Locks the rows that it deletes, a bounded number; each round of maintenance goes on. $1 how long hours are kept
DELETE FROM webhooks.endpoint_statistic_hour
WHERE (endpoint, hour) IN (SELECT endpoint, hour FROM webhooks.endpoint_statistic_hour WHERE hour < clock_timestamp() - $1::interval ORDER BY hour LIMIT 10000)
