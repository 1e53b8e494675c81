-- Locks the event's row, which nobody else changes. Data of no bytes is what nobody can publish: the event is there, and void. Gives its bucket and position when it is found.
-- $1 application id, $2 event id, $3 reason
WITH found AS MATERIALIZED (
    SELECT e.bucket, e.position, e.application, e.id, e.data = '' AS expunged
    FROM webhooks.application a
    CROSS JOIN LATERAL (SELECT bucket, position, application, id, data FROM webhooks.event
                        WHERE bucket = a.bucket AND id = $2 AND application = a.application LIMIT 1) e
    WHERE a.id = $1
), emptied AS (
    UPDATE webhooks.event e SET data = '', dedupe_key = NULL FROM found WHERE e.bucket = found.bucket AND e.position = found.position AND NOT found.expunged
), noted AS (
    INSERT INTO webhooks.expunged_event (bucket, position, application, id, reason)
    SELECT bucket, position, application, id, $3 FROM found ON CONFLICT DO NOTHING
)
SELECT bucket, position FROM found
