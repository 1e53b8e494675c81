-- Locks the row of one period and what was known of its events; runs under maintenance's lock. $1 period
WITH reaches AS (
    DELETE FROM webhooks.delivery_reach WHERE event_period <= $1
)
DELETE FROM webhooks.period WHERE period = $1
