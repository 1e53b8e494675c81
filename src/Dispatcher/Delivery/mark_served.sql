-- Locks the endpoint's delivery state. How far the feed has given the stream without a hole beyond the cursor; only that may a receiver pass over.
-- What was served in an epoch that has ended since does not count. $1 endpoint, $2 after, $3 last, $4 cursor, $5 epoch
UPDATE webhooks.delivery_state SET feed_served = $3
WHERE endpoint = $1 AND feed_served < $3 AND $2 <= greatest(feed_served, $4)
  AND (SELECT t.epoch FROM webhooks.stream t WHERE t.endpoint = $1) = $5
