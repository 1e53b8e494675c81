-- Stores how an event of a foreign sender fares. The writer is the only one in its process, and holds the file's write lock.
UPDATE unnumbered SET done = $done, attempts = $attempts, retry_at = $retry, error = $error, failed_at = $at
WHERE source = $source AND event_id = $id AND done = 0;
