-- Locks the rows that it deletes, a bounded number; each round of maintenance goes on. $1 how long answers are kept
WITH rates AS (
    DELETE FROM webhooks.api_rate WHERE minute < clock_timestamp() - interval '5 minutes'
), quotas AS (
    DELETE FROM webhooks.api_quota WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 2
)
DELETE FROM webhooks.api_answer
WHERE (organization, application, endpoint, idempotency_key) IN (
    SELECT organization, application, endpoint, idempotency_key FROM webhooks.api_answer WHERE at < clock_timestamp() - $1::interval ORDER BY at LIMIT 10000 FOR UPDATE SKIP LOCKED)
