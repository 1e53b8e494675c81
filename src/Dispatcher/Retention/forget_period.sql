-- Locks the row of one period and what was known of its events: how far streams reach into it, and which were for one endpoint alone; runs under maintenance's lock. $1 period
WITH reaches AS (
    DELETE FROM webhooks.delivery_reach WHERE event_period <= $1
), targets AS (
    DELETE FROM webhooks.event_target t USING webhooks.bucket b WHERE t.bucket = b.bucket AND t.position < ($1::bigint + 1) << 40
)
DELETE FROM webhooks.period WHERE period = $1
