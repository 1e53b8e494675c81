-- Locks the delivery state of the endpoints, shared, so that a takeover, a skip or a rewind waits or has already changed what is compared:
-- a node that lost its lease settles nothing. One new row an endpoint, no matter how many events; gives the leases settled.
-- Whoever locks the states of several endpoints does so in their order, or two would wait for each other.
-- $1 owner, $2 endpoints, $3 lease epochs, $4 versions, $5 first seqs, $6 last seqs, $7 whether failures are to be forgotten
WITH fenced AS (
    SELECT u.endpoint, s.bucket, u.lease_epoch, u.first_seq, u.last_seq, u.reset
    FROM (SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[])
              AS given(endpoint, lease_epoch, version, first_seq, last_seq, reset) ORDER BY endpoint OFFSET 0) u
    -- By key, one after the other, and so locked in that order, whatever the planner believes of the table's size; IS TRUE keeps the owner's
    -- index out of it.
    CROSS JOIN LATERAL (SELECT bucket FROM webhooks.delivery_state
                        WHERE endpoint = u.endpoint AND (lease_owner = $1) IS TRUE AND lease_epoch = u.lease_epoch AND version = u.version
                        LIMIT 1 FOR SHARE) s
), reset AS (
    UPDATE webhooks.delivery_state s
    SET consecutive_failures = 0, attempts = 0, throttled_since = NULL, probing = false, receiver_resumes = 0, receiver_resume_from = NULL
    FROM fenced WHERE fenced.reset AND s.endpoint = fenced.endpoint
), written AS (
    INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor)
    SELECT bucket, endpoint, first_seq, last_seq, 'delivered', last_seq FROM fenced
)
SELECT endpoint, lease_epoch FROM fenced
