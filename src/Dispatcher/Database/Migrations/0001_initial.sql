-- The schema of the dispatcher. `webhooks.` stands for the configured schema throughout.
-- Locks: runs once, in one transaction, under the migrator's advisory lock.
--
-- Every table that grows carries `bucket`, the hash of the application: the sequencer's unit of work, and a column by
-- which all of them can be distributed together. Logs (event, endpoint_change, delivery, settlement, attempt) are append-only.

CREATE TABLE webhooks.application (
    application bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (id ~ '^app_[0-9a-z]{32}$'),
    bucket      smallint NOT NULL CHECK (bucket BETWEEN 0 AND 15),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- What a platform published, for ever unchanged. Its place in the order of its bucket is `position`.
CREATE TABLE webhooks.event (
    bucket       smallint NOT NULL,
    position     bigint NOT NULL,
    application  bigint NOT NULL,
    id           uuid NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    type         text NOT NULL CHECK (length(type) BETWEEN 1 AND 256),
    dedupe_key   text CHECK (length(dedupe_key) BETWEEN 1 AND 256),
    data         bytea NOT NULL,
    PRIMARY KEY (bucket, position)
);

CREATE TABLE webhooks.endpoint (
    endpoint          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                text NOT NULL UNIQUE CHECK (id ~ '^ep_[0-9a-z]{32}$'),
    application       bigint NOT NULL REFERENCES webhooks.application,
    bucket            smallint NOT NULL,
    url               text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
    event_types       text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 100),
    description       text NOT NULL DEFAULT '',
    failure_threshold smallint NOT NULL DEFAULT 3 CHECK (failure_threshold BETWEEN 1 AND 100),
    receiver_access   text NOT NULL DEFAULT 'feed_and_resume' CHECK (receiver_access IN ('none', 'feed', 'feed_and_resume')),
    created_at        timestamptz NOT NULL DEFAULT now(),
    deleted_at        timestamptz
);
CREATE INDEX endpoint_application ON webhooks.endpoint (application);

CREATE TABLE webhooks.endpoint_secret (
    endpoint   bigint NOT NULL REFERENCES webhooks.endpoint,
    secret     bigint GENERATED ALWAYS AS IDENTITY,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    PRIMARY KEY (endpoint, secret)
);

-- A marker in the order of events: from this position on, the endpoint matches so. An event is matched with what is in force at its place.
CREATE TABLE webhooks.endpoint_change (
    bucket      smallint NOT NULL,
    position    bigint NOT NULL,
    endpoint    bigint NOT NULL,
    application bigint NOT NULL,
    event_types text[] NOT NULL,
    since       timestamptz,
    deleted     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (bucket, position)
);

-- One static row a bucket, never updated. Whoever sequences one holds an advisory lock of its number (Sequencing/lock_bucket.sql).
CREATE TABLE webhooks.bucket (bucket smallint PRIMARY KEY);
INSERT INTO webhooks.bucket SELECT generate_series(0, 15);

-- Where sequencing of a bucket stands: everything up to `mark` is sequenced, but for the gaps: positions that some transaction drew
-- and had not committed when last looked for. One row is added a batch and none updated, so that the newest is found at once even
-- while an old snapshot keeps every dead row version alive.
CREATE TABLE webhooks.sequencer_batch (
    bucket      smallint NOT NULL,
    batch       bigint NOT NULL,
    mark        bigint NOT NULL,
    gap_first   bigint[] NOT NULL DEFAULT '{}',
    gap_last    bigint[] NOT NULL DEFAULT '{}',
    gap_horizon bigint[] NOT NULL DEFAULT '{}',
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket, batch),
    CHECK (cardinality(gap_first) = cardinality(gap_last) AND cardinality(gap_first) = cardinality(gap_horizon))
);
INSERT INTO webhooks.sequencer_batch (bucket, batch, mark) SELECT generate_series(0, 15), 0, 0;

-- A stream: the numbered events of one endpoint. What is in force for matching, and the generation and lowest number kept.
CREATE TABLE webhooks.stream (
    endpoint    bigint PRIMARY KEY,
    bucket      smallint NOT NULL,
    application bigint NOT NULL,
    event_types text[] NOT NULL DEFAULT '{}',
    matching    boolean NOT NULL DEFAULT false,
    epoch       integer NOT NULL DEFAULT 1 CHECK (epoch >= 1),
    epoch_start bigint NOT NULL DEFAULT 1 CHECK (epoch_start >= 1),
    floor       bigint NOT NULL DEFAULT 1 CHECK (floor >= 1)
);
CREATE INDEX stream_matching ON webhooks.stream (bucket, application) WHERE matching;

-- The log that is also the queue: number `seq` of an endpoint's stream is the event at `position`.
CREATE TABLE webhooks.delivery (
    endpoint bigint NOT NULL,
    seq      bigint NOT NULL CHECK (seq >= 1),
    position bigint NOT NULL,
    bucket   smallint NOT NULL,
    PRIMARY KEY (bucket, endpoint, seq)
);

-- Why an event is in no stream.
CREATE TABLE webhooks.event_verdict (
    bucket       smallint NOT NULL,
    position     bigint NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('unmatched', 'duplicate')),
    duplicate_of bigint,
    PRIMARY KEY (bucket, position),
    CHECK ((verdict = 'duplicate') = (duplicate_of IS NOT NULL))
);

-- The last event that used a dedupe key.
CREATE TABLE webhooks.dedupe (
    bucket       smallint NOT NULL,
    application  bigint NOT NULL,
    dedupe_key   text NOT NULL,
    position     bigint NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (bucket, application, dedupe_key)
);
CREATE INDEX dedupe_age ON webhooks.dedupe (bucket, published_at);

-- Delivery of a stream: may it be sent, who sends, when next. Not touched by a delivery that goes well.
-- `due_at` is when any node may take the endpoint: null = nothing to do; while it is leased, when the lease ends.
CREATE TABLE webhooks.delivery_state (
    endpoint             bigint PRIMARY KEY,
    bucket               smallint NOT NULL,
    status               text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'deleted')),
    pause_reason         text CHECK (pause_reason IN ('gone', 'failing', 'manual')),
    pause_evidence       text,
    paused_at            timestamptz,
    version              bigint NOT NULL DEFAULT 1,
    due_at               timestamptz,
    lease_owner          uuid,
    lease_epoch          bigint NOT NULL DEFAULT 0,
    consecutive_failures integer NOT NULL DEFAULT 0 CHECK (consecutive_failures >= 0),
    attempts             integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    throttled_since      timestamptz,
    probing              boolean NOT NULL DEFAULT false,
    receiver_resumes     integer NOT NULL DEFAULT 0 CHECK (receiver_resumes >= 0),
    receiver_resume_from timestamptz,
    feed_served          bigint NOT NULL DEFAULT 0 CHECK (feed_served >= 0),
    CHECK ((status = 'paused') = (pause_reason IS NOT NULL)),
    CHECK ((status = 'paused') = (paused_at IS NOT NULL)),
    CHECK (lease_owner IS NULL OR due_at IS NOT NULL)
);
CREATE INDEX delivery_state_due ON webhooks.delivery_state (due_at) WHERE due_at IS NOT NULL AND status = 'active';
CREATE INDEX delivery_state_owner ON webhooks.delivery_state (lease_owner) WHERE lease_owner IS NOT NULL;

-- What became of a run of numbers, and where the cursor stood after it. The newest row of an endpoint holds its cursor.
CREATE TABLE webhooks.settlement (
    settlement bigint GENERATED ALWAYS AS IDENTITY,
    bucket     smallint NOT NULL,
    endpoint   bigint NOT NULL,
    first_seq  bigint NOT NULL,
    last_seq   bigint NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('delivered', 'taken_from_feed', 'skipped', 'expired', 'rewound')),
    cursor     bigint NOT NULL CHECK (cursor >= 0),
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket, endpoint, settlement),
    CHECK (first_seq <= last_seq)
);

-- Evidence of every attempt that failed.
CREATE TABLE webhooks.attempt (
    attempt     bigint GENERATED ALWAYS AS IDENTITY,
    bucket      smallint NOT NULL,
    endpoint    bigint NOT NULL,
    seq         bigint NOT NULL,
    number      integer NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    outcome     text NOT NULL,
    status_code integer,
    detail      text NOT NULL DEFAULT '',
    PRIMARY KEY (bucket, endpoint, attempt)
);

-- A receiver's requests to resume: each id is taken once.
CREATE TABLE webhooks.resume_request (
    endpoint bigint NOT NULL,
    id       text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint, id)
);

-- Every change of an endpoint's state, written in the transaction of the change: the audit log, and what observers read in order.
CREATE TABLE webhooks.operational_event (
    operational_event bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                timestamptz NOT NULL DEFAULT clock_timestamp(),
    type              text NOT NULL,
    endpoint          bigint NOT NULL,
    actor             text NOT NULL CHECK (actor IN ('dispatcher', 'operator', 'receiver')),
    data              jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX operational_event_endpoint ON webhooks.operational_event (endpoint, operational_event);

-- The DataProtection key ring that encrypts endpoint secrets, each key wrapped by the master key from configuration.
CREATE TABLE webhooks.key_ring (
    name text PRIMARY KEY,
    xml  text NOT NULL
);

-- `next_position` draws the next position of a bucket. The transaction id is assigned first, for the sequencer forgets a missing position only
-- when every transaction that was running when it was missed has ended: nobody may hold a position without being seen to run.
-- One expression with the sequences written out, because that is inlined into the statement that publishes: a procedural function that looks its
-- sequence up by name takes five times as long.
DO $$
DECLARE
    draw text := '';
BEGIN
    FOR b IN 0..15 LOOP
        -- CACHE 1: a session that kept numbers in stock would hand out low ones late.
        EXECUTE format('CREATE SEQUENCE webhooks.position_%s AS bigint CACHE 1', b);
        draw := draw || format(' WHEN %s THEN nextval(''webhooks.position_%s'')', b, b);
    END LOOP;
    EXECUTE format('CREATE FUNCTION webhooks.next_position(bucket smallint) RETURNS bigint LANGUAGE sql VOLATILE AS %L',
        'SELECT CASE WHEN pg_current_xact_id() IS NOT NULL THEN CASE bucket' || draw || ' END END');
END $$;
