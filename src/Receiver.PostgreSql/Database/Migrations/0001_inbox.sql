-- The inbox of any number of nodes. Two kinds of transactions write here, and neither waits for the other:
--   intake      locks the source's row in "source" for as long as one commit takes, and adds to "received" and "unnumbered";
--   a handler   writes "progress", "unnumbered", "parked" and "passed", and locks these rows only when it commits.
-- What was lost with the last commits (a failover) is lost together, for effects, marks and events are in one database.

-- One row for a source: what intake decides by. Its lock is what makes the decisions of two nodes come one after the other.
CREATE TABLE inbox.source (
    name                 text    PRIMARY KEY,
    -- Set by the first delivery or by configuration, and never changed.
    endpoint             text,
    suspect              boolean NOT NULL DEFAULT false,
    received             bigint  NOT NULL DEFAULT 0,
    backfilled           bigint  NOT NULL DEFAULT 0,
    duplicates           bigint  NOT NULL DEFAULT 0,
    -- What waits is arrived - (where the stream stands - what was passed as lost) - what is settled ahead: so it needs no write when an event is settled.
    arrived              bigint  NOT NULL DEFAULT 0,
    unnumbered_arrived   bigint  NOT NULL DEFAULT 0,
    -- All up to here was stored, processed or lost; the watermark may have passed it.
    contiguous           bigint  NOT NULL DEFAULT 0,
    lowest               bigint  NOT NULL DEFAULT 0,
    highest              bigint  NOT NULL DEFAULT 0,
    highest_epoch        integer NOT NULL DEFAULT 0,
    highest_epoch_lowest bigint  NOT NULL DEFAULT 0,
    -- Epochs whose beginning is known, in order, and where each begins.
    epochs               integer[] NOT NULL DEFAULT '{}',
    epoch_starts         bigint[]  NOT NULL DEFAULT '{}',
    -- Numbers that cannot be had any more, as ranges.
    lost_from            bigint[] NOT NULL DEFAULT '{}',
    lost_to              bigint[] NOT NULL DEFAULT '{}',
    hold                 text,
    -- Raised with each change, for those who poll.
    revision             bigint  NOT NULL DEFAULT 0,
    CHECK (cardinality(epochs) = cardinality(epoch_starts) AND cardinality(lost_from) = cardinality(lost_to))
) WITH (fillfactor = 50);

-- How far a source's stream is processed, and counts of how it was. Moved only by comparing.
CREATE TABLE inbox.progress (
    source             text    PRIMARY KEY REFERENCES inbox.source,
    epoch              integer,
    watermark          bigint  CHECK (watermark >= 0),
    processed          bigint  NOT NULL DEFAULT 0,
    unhandled          bigint  NOT NULL DEFAULT 0,
    void               bigint  NOT NULL DEFAULT 0,
    parked             bigint  NOT NULL DEFAULT 0,
    lost               bigint  NOT NULL DEFAULT 0,
    skipped            bigint  NOT NULL DEFAULT 0,
    unnumbered_settled bigint  NOT NULL DEFAULT 0,
    CHECK ((epoch IS NULL) = (watermark IS NULL))
) WITH (fillfactor = 50);

-- Which node processes a source's stream. Taken by comparing; the epoch is raised each time, and is what a handler's commit compares.
CREATE TABLE inbox.lease (
    source     text   PRIMARY KEY REFERENCES inbox.source,
    owner      uuid,
    epoch      bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- One row for a numbered event: it is what a duplicate is known by, and what is processed. Never updated.
CREATE TABLE inbox.received (
    source      text    NOT NULL,
    seq         bigint  NOT NULL CHECK (seq > 0),
    epoch       integer NOT NULL CHECK (epoch > 0),
    event_id    text    NOT NULL,
    body        bytea   NOT NULL,
    received_at timestamptz NOT NULL,
    from_feed   boolean NOT NULL,
    PRIMARY KEY (source, seq, epoch)
);

-- Events beyond the watermark that were settled by themselves, and how. Removed when the watermark passes them.
CREATE TABLE inbox.ahead (
    source text    NOT NULL,
    seq    bigint  NOT NULL CHECK (seq > 0),
    epoch  integer NOT NULL CHECK (epoch > 0),
    how    text    NOT NULL,
    PRIMARY KEY (source, seq, epoch)
);

-- What a single event of a stream waits for, where events do not all wait for each other. One whose event is settled says nothing.
CREATE TABLE inbox.event_hold (
    source text    NOT NULL,
    seq    bigint  NOT NULL CHECK (seq > 0),
    epoch  integer NOT NULL CHECK (epoch > 0),
    hold   text    NOT NULL,
    PRIMARY KEY (source, seq, epoch)
);

-- One row for an event of a foreign sender. It stays after it is done, as the memory that it was here; its body goes with the retention.
CREATE TABLE inbox.unnumbered (
    source      text    NOT NULL,
    event_id    text    COLLATE "C" NOT NULL,
    arrival     bigint  GENERATED ALWAYS AS IDENTITY (CACHE 1),
    -- Where the body does not state it.
    type        text,
    body        bytea,
    received_at timestamptz NOT NULL,
    done_at     timestamptz,
    how         text,
    attempts    integer NOT NULL DEFAULT 0,
    retry_at    timestamptz,
    error       text,
    failed_at   timestamptz,
    PRIMARY KEY (source, event_id),
    CHECK (body IS NOT NULL OR done_at IS NOT NULL),
    -- Asked for by "how" where one row is meant, for that is what no index below is about, so none can be taken for the key.
    CHECK ((done_at IS NULL) = (how IS NULL))
);

CREATE INDEX unnumbered_waiting ON inbox.unnumbered (source, arrival) WHERE done_at IS NULL;
CREATE INDEX unnumbered_failed ON inbox.unnumbered (source, event_id) WHERE done_at IS NULL AND attempts > 0;
CREATE INDEX unnumbered_given_up ON inbox.unnumbered (source) WHERE done_at IS NULL AND attempts > 0 AND retry_at IS NULL;
CREATE INDEX unnumbered_done ON inbox.unnumbered (source, done_at) WHERE done_at IS NOT NULL AND how <> 'parked';
CREATE INDEX unnumbered_heavy ON inbox.unnumbered (source, received_at) WHERE done_at IS NOT NULL AND body IS NOT NULL;

-- Events set aside after their handler's last attempt, whole: the inbox may prune its copy. Those of foreign senders are of epoch 0 and number 0.
CREATE TABLE inbox.parked (
    source      text    NOT NULL,
    seq         bigint  NOT NULL,
    epoch       integer NOT NULL,
    event_id    text    COLLATE "C" NOT NULL,
    endpoint    text,
    type        text,
    body        bytea   NOT NULL,
    received_at timestamptz NOT NULL,
    attempts    integer NOT NULL,
    reason      text    NOT NULL,
    parked_at   timestamptz NOT NULL,
    PRIMARY KEY (source, seq, epoch, event_id)
);

CREATE INDEX parked_id ON inbox.parked USING hash (event_id);

-- Numbers that the watermark passed, or went back before, in another way than by processing.
CREATE TABLE inbox.passed (
    source   text    NOT NULL,
    from_seq bigint  NOT NULL,
    entry    bigint  GENERATED ALWAYS AS IDENTITY,
    to_seq   bigint  NOT NULL,
    epoch    integer NOT NULL,
    reason   text    NOT NULL,
    PRIMARY KEY (source, from_seq, entry)
);
