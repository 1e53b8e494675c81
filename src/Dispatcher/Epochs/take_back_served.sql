-- Locks rows that this transaction has locked already. What the feed served, or a node deferred, of numbers that this database never gave.
WITH served AS (
    UPDATE webhooks.delivery_state s SET feed_served = t.epoch_start - 1
    FROM webhooks.stream t WHERE t.endpoint = s.endpoint AND s.feed_served >= t.epoch_start
)
DELETE FROM webhooks.deferred d USING webhooks.stream t WHERE d.bucket = t.bucket AND d.endpoint = t.endpoint AND d.seq >= t.epoch_start
