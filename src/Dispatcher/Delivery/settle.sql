-- Locks the delivery state of the endpoints, shared, so that a takeover, a skip or a rewind waits or has already changed what is compared:
-- a node that lost its lease settles nothing. One new row an endpoint, no matter how many events; gives the leases settled.
-- Whoever locks the states of several endpoints does so in their order, or two would wait for each other.
-- $1 owner, $2 endpoints, $3 lease epochs, $4 versions, $5 first seqs, $6 last seqs, $7 whether failures are to be forgotten
WITH fenced AS (
    SELECT u.endpoint, u.lease_epoch, s.bucket, u.first_seq, u.last_seq, u.reset
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[])
        AS u(endpoint, lease_epoch, version, first_seq, last_seq, reset)
    JOIN webhooks.delivery_state s ON s.endpoint = u.endpoint AND s.lease_owner = $1 AND s.lease_epoch = u.lease_epoch AND s.version = u.version
    ORDER BY s.endpoint FOR SHARE OF s
), reset AS (
    UPDATE webhooks.delivery_state s
    SET consecutive_failures = 0, attempts = 0, throttled_since = NULL, probing = false, receiver_resumes = 0, receiver_resume_from = NULL
    FROM fenced WHERE fenced.reset AND s.endpoint = fenced.endpoint
), written AS (
    INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor)
    SELECT bucket, endpoint, first_seq, last_seq, 'delivered', last_seq FROM fenced
)
SELECT endpoint, lease_epoch FROM fenced
