-- Locks nothing: whether an event without a number may be settled; null where the inbox does not have it. Compared again when the transaction commits.
SELECT ($3::bigint IS NULL OR EXISTS (SELECT 1 FROM inbox.lease l WHERE l.source = $1 AND l.epoch = $3)),
       (SELECT u.done_at IS NULL FROM inbox.unnumbered u WHERE u.source = $1 AND u.event_id = $2)
