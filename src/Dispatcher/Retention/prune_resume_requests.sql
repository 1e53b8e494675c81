-- Locks rows that nobody reads any more: ids older than any tolerance for timestamps. $1 how many
DELETE FROM webhooks.resume_request
WHERE ctid = ANY (ARRAY(SELECT ctid FROM webhooks.resume_request WHERE at < now() - interval '1 day' ORDER BY at LIMIT $1))
