-- Locks the rows that it deletes, a bounded number; each round of maintenance goes on. Rows are numbered as they come, so the oldest are the lowest: no others are looked at.
-- $1 how long rows are kept
DELETE FROM webhooks.audit
WHERE audit IN (SELECT oldest.audit FROM (SELECT audit, at FROM webhooks.audit ORDER BY audit LIMIT 10000) oldest WHERE oldest.at < clock_timestamp() - $1::interval)
