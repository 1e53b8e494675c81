-- Locks nothing. A page of a stream: its numbers after one, up to the head the caller knows, as far as the bytes allow, envelopes and all; one at least.
-- None when the stream has another epoch than the caller knows: its numbers would be stated as of the wrong one.
-- $1 bucket, $2 endpoint, $3 after, $4 head, $5 how many, $6 how many bytes, $7 how many of them an envelope takes beside type and data, $8 epoch
SELECT p.seq, p.id, p.type, p.published_at, p.data
FROM (
    SELECT n.seq, e.id, e.type, e.published_at, e.data,
           row_number() OVER (ORDER BY n.seq) AS place, sum(octet_length(e.data) + octet_length(e.type) + $7::int) OVER (ORDER BY n.seq) AS bytes
    FROM (SELECT least($3::bigint, $4::bigint) AS after) f
    CROSS JOIN LATERAL webhooks.numbers($1, $2, f.after + 1, least($4, f.after + $5::int), 0) n
    -- By key, one after the other, whatever the planner believes of the table's size.
    CROSS JOIN LATERAL (SELECT id, type, published_at, data FROM webhooks.event WHERE bucket = $1 AND position = n.position LIMIT 1) e
) p
WHERE (p.place = 1 OR p.bytes <= $6) AND (SELECT t.epoch FROM webhooks.stream t WHERE t.endpoint = $2) = $8
ORDER BY p.seq
