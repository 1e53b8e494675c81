-- How an endpoint is sent to: strict or relaxed, how fast, in batches; and what a relaxed stream remembers beside its cursor.
-- Locks: runs once, in one transaction, under the migrator's advisory lock.

ALTER TABLE webhooks.endpoint
    ADD COLUMN ordering text NOT NULL DEFAULT 'strict' CHECK (ordering IN ('strict', 'relaxed')),
    ADD COLUMN max_in_flight integer NOT NULL DEFAULT 16 CHECK (max_in_flight BETWEEN 1 AND 1000),
    ADD COLUMN rate_limit integer CHECK (rate_limit BETWEEN 1 AND 100000),
    ADD COLUMN batch_max_events integer CHECK (batch_max_events BETWEEN 1 AND 1000),
    ADD COLUMN batch_max_wait interval,
    ADD COLUMN batch_max_bytes integer,
    ADD CONSTRAINT endpoint_batch CHECK (
        (batch_max_events IS NULL) = (batch_max_wait IS NULL) AND (batch_max_events IS NULL) = (batch_max_bytes IS NULL)
        AND (batch_max_events IS NULL OR ordering = 'strict'));

-- `ahead` is what was accepted beyond the cursor, never more than a thousand, or four times what may be in flight. A row whose run is empty (last = first - 1) says only that.
-- `deferred`: the cursor passed it while its retries go on beside the stream (table deferred); its end is a row of its own.
ALTER TABLE webhooks.settlement
    ADD COLUMN ahead bigint[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT settlement_outcome_check,
    ADD CONSTRAINT settlement_outcome_check CHECK (
        outcome IN ('delivered', 'taken_from_feed', 'skipped', 'expired', 'rewound', 'void', 'deferred', 'exhausted', 'replayed')),
    DROP CONSTRAINT settlement_check,
    ADD CONSTRAINT settlement_check CHECK (first_seq <= last_seq + 1);

-- Events that are sent beside their stream: what failed while others succeeded (relaxed), and what is replayed. Only the holder of the lease changes a row.
CREATE TABLE webhooks.deferred (
    bucket   smallint NOT NULL,
    endpoint bigint NOT NULL,
    seq      bigint NOT NULL,
    attempts integer NOT NULL CHECK (attempts >= 0),
    due_at   timestamptz NOT NULL,
    replay   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (bucket, endpoint, seq)
);
CREATE INDEX deferred_due ON webhooks.deferred (bucket, endpoint, due_at);

-- `counted_until`: a failure whose attempt began before belongs to one that was counted already.
-- `resting`: idle but for deferred events, so that `due_at` is when the first of those is due, and news may make it due at once.
ALTER TABLE webhooks.delivery_state
    ADD COLUMN counted_until timestamptz,
    ADD COLUMN resting boolean NOT NULL DEFAULT false;
