-- Locks the delivery state of the endpoints, shared, so that a takeover, a skip or a rewind waits or has already changed what is compared:
-- a node that lost its lease settles nothing. One new row a run of events, no matter how many; gives the leases settled.
-- Whoever locks the states of several endpoints does so in their order, or two would wait for each other.
-- $1 owner, $2 endpoints, $3 lease epochs, $4 versions, $5 first seqs, $6 last seqs, $7 outcomes, $8 whether retries beside the stream end,
-- $9 cursors, $10 what is ahead of them, $11 whether failures are to be forgotten, $12 the cursors that this follows on. Several runs of an endpoint have all the
-- same cursors. The one it follows on is compared, too: a crash of the server may have taken the write before this one, which did not wait for the disk.
WITH fenced AS (
    SELECT u.n, u.endpoint, s.bucket, u.lease_epoch, u.first_seq, u.last_seq, u.outcome, u.ends, u.cursor, u.ahead, u.reset
    FROM (SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[], $9::bigint[], $10::text[],
                               $11::boolean[], $12::bigint[]) WITH ORDINALITY
              AS given(endpoint, lease_epoch, version, first_seq, last_seq, outcome, ends, cursor, ahead, reset, follows, n) ORDER BY endpoint, n OFFSET 0) u
    -- By key, one after the other, and so locked in that order, whatever the planner believes of the table's size; IS TRUE keeps the owner's
    -- index out of it.
    CROSS JOIN LATERAL (SELECT bucket FROM webhooks.delivery_state
                        WHERE endpoint = u.endpoint AND (lease_owner = $1) IS TRUE AND lease_epoch = u.lease_epoch AND version = u.version
                        LIMIT 1 FOR SHARE) s
    CROSS JOIN LATERAL (SELECT greatest(t.floor - 1, (SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = u.endpoint
                                                      ORDER BY x.settlement DESC LIMIT 1)) AS cursor
                        FROM webhooks.stream t WHERE t.endpoint = u.endpoint LIMIT 1) now
    WHERE now.cursor = u.follows
), reset AS (
    UPDATE webhooks.delivery_state s
    SET consecutive_failures = 0, attempts = 0, throttled_since = NULL, probing = false, receiver_resumes = 0, receiver_resume_from = NULL, counted_until = NULL
    FROM fenced WHERE fenced.reset AND s.endpoint = fenced.endpoint
), ended AS (
    DELETE FROM webhooks.deferred
    WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM fenced
        CROSS JOIN LATERAL (SELECT ctid FROM webhooks.deferred WHERE bucket = fenced.bucket AND endpoint = fenced.endpoint AND seq = fenced.first_seq LIMIT 1) d
        WHERE fenced.ends))
), exhausted AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor, data)
    SELECT 'delivery.exhausted', endpoint, 'dispatcher', jsonb_build_object('seq', first_seq) FROM fenced WHERE outcome = 'exhausted'
), written AS (
    INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead)
    SELECT bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead::bigint[] FROM fenced ORDER BY n
)
SELECT DISTINCT endpoint, lease_epoch FROM fenced
