-- Locks nothing but the rows it adds, and the sequence of the bucket for the moment of drawing from it.
-- The marker in endpoint_change takes its place in the order of events: what is published after this commit comes behind it.
-- $1 application id, $2 endpoint id, $3 url, $4 event types, $5 description, $6 failure threshold, $7 receiver access, $8 since, $9 secret,
-- $10 ordering, $11 max in flight, $12 rate limit, $13 .. $15 batch: events, wait, bytes, $16 headers or null, $17 their names
WITH created AS (
    INSERT INTO webhooks.endpoint (id, application, bucket, url, event_types, description, failure_threshold, receiver_access,
                                   ordering, max_in_flight, rate_limit, batch_max_events, batch_max_wait, batch_max_bytes, headers, header_names)
    SELECT $2, a.application, a.bucket, $3, $4, $5, $6::int, $7, $10, $11::int, $12::int, $13::int, $14::interval, $15::int, $16::bytea, $17::text[]
    FROM webhooks.application a WHERE a.id = $1
    RETURNING endpoint, application, bucket, event_types
), secret AS (
    INSERT INTO webhooks.endpoint_secret (endpoint, ciphertext) SELECT endpoint, $9 FROM created
), stream AS (
    -- In the epoch that is in force: what is numbered in it may then go to its pump from memory.
    INSERT INTO webhooks.stream (endpoint, bucket, application, epoch)
    SELECT endpoint, bucket, application, coalesce((SELECT epoch FROM webhooks.database_identity), 1) FROM created
), state AS (
    INSERT INTO webhooks.delivery_state (endpoint, bucket) SELECT endpoint, bucket FROM created
), audit AS (
    INSERT INTO webhooks.operational_event (type, endpoint, actor) SELECT 'endpoint.created', endpoint, 'operator' FROM created
), marker AS (
    INSERT INTO webhooks.endpoint_change (bucket, position, endpoint, application, event_types, since)
    SELECT bucket, webhooks.next_position(bucket), endpoint, application, event_types, $8::timestamptz FROM created
)
SELECT endpoint, bucket FROM created
