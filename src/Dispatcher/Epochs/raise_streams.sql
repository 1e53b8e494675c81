-- Locks every stream, in their order; runs under every bucket's lock, with every delivery state locked, so neither head nor cursor moves meanwhile.
-- Numbering goes on: the epoch begins behind the head that this database knows. $1 epoch
WITH held AS (
    SELECT endpoint FROM webhooks.stream ORDER BY endpoint FOR NO KEY UPDATE
)
UPDATE webhooks.stream s
SET epoch = $1,
    epoch_start = 1 + greatest(s.floor - 1, coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d
                                                      WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint ORDER BY d.seq DESC LIMIT 1), 0))
WHERE s.endpoint = ANY (ARRAY(SELECT endpoint FROM held))
