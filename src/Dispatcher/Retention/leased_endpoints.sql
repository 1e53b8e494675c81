-- Locks nothing. The endpoints of an application that some process works on. $1 application id
SELECT t.endpoint
FROM webhooks.application a
JOIN webhooks.stream t ON t.bucket = a.bucket AND t.application = a.application AND t.matching
CROSS JOIN LATERAL (SELECT lease_owner FROM webhooks.delivery_state WHERE endpoint = t.endpoint LIMIT 1) s
WHERE a.id = $1 AND s.lease_owner IS NOT NULL
