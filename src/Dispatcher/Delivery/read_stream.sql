-- Locks nothing. Where an endpoint's stream stands. $1 endpoint id
SELECT s.endpoint, s.bucket, s.status, s.pause_reason, s.pause_evidence, s.paused_at, s.version, t.epoch, t.epoch_start, t.floor,
       greatest(t.floor - 1, coalesce((SELECT d.seq + d.count - 1 FROM webhooks.delivery_run d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint
                                       ORDER BY d.seq DESC LIMIT 1), 0)) AS head,
       greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint
                                       ORDER BY x.settlement DESC LIMIT 1), 0)) AS cursor,
       s.consecutive_failures, s.feed_served, e.receiver_access, s.receiver_resumes, s.receiver_resume_from, clock_timestamp() AS now
FROM webhooks.endpoint e
JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
JOIN webhooks.stream t ON t.endpoint = e.endpoint
WHERE e.id = $1
