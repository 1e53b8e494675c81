-- Locks nothing. A page of a stream: its numbers after one, up to the head the caller knows, as far as the bytes allow; one at least.
-- $1 bucket, $2 endpoint, $3 after, $4 head, $5 how many, $6 how many bytes
SELECT p.seq, p.id, p.type, p.published_at, p.data
FROM (
    SELECT n.seq, e.id, e.type, e.published_at, e.data, sum(octet_length(e.data)) OVER (ORDER BY n.seq) - octet_length(e.data) AS bytes_before
    FROM (SELECT seq, position FROM webhooks.delivery
          WHERE bucket = $1 AND endpoint = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5) n
    JOIN webhooks.event e ON e.bucket = $1 AND e.position = n.position
) p
WHERE p.bytes_before < $6
ORDER BY p.seq
