-- Locks one event's row and the source's progress for this statement; of two that settle it only one finds it waiting. Where its mark was set, it is settled.
WITH settled AS (
    UPDATE inbox.unnumbered SET done_at = now(), how = 'unhandled', attempts = 0, retry_at = NULL, error = NULL
    WHERE source = $1 AND event_id = $2 AND how IS NULL RETURNING 1)
UPDATE inbox.progress SET unnumbered_settled = unnumbered_settled + 1 WHERE source = $1 AND EXISTS (SELECT 1 FROM settled)
