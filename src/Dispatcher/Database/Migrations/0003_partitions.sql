-- Time partitions of what grows with every event. Dropping one gives back its room at once; deleting its rows would cost as much as writing them did.
-- Locks: the tables it changes, until the migration's transaction ends. What was stored so far becomes the partition of period 0: nothing is copied, but each table is
-- read once, for the server must see that its rows belong there.
--
-- A period is a stretch of time. Positions, and the numbers of settlements and attempts, carry it in their upper bits: at the beginning of a period their sequences jump to
-- period * 2^40, so that a range of numbers is a stretch of time, and a publisher needs to know nothing of it.

CREATE TABLE webhooks.period (
    period           integer PRIMARY KEY CHECK (period BETWEEN 0 AND 8000000),
    created_at       timestamptz NOT NULL,
    began_at         timestamptz,
    ended_at         timestamptz,
    -- Who drew a number of this period or an earlier one had a transaction id below this one.
    horizon          bigint,
    expiring_at      timestamptz,
    floors_raised_at timestamptz,
    CHECK (ended_at IS NULL OR began_at IS NOT NULL),
    CHECK ((ended_at IS NULL) = (horizon IS NULL)),
    CHECK (expiring_at IS NULL OR ended_at IS NOT NULL),
    CHECK (floors_raised_at IS NULL OR expiring_at IS NOT NULL)
);
INSERT INTO webhooks.period (period, created_at, began_at) VALUES (0, clock_timestamp(), clock_timestamp());

-- How far a stream reaches into the events of a period that had ended when they were numbered: those committed late, and the history of a new endpoint.
CREATE TABLE webhooks.delivery_reach (
    bucket       smallint NOT NULL,
    endpoint     bigint NOT NULL,
    event_period integer NOT NULL,
    last_seq     bigint NOT NULL,
    late_at      timestamptz,
    PRIMARY KEY (bucket, endpoint, event_period)
);
CREATE INDEX delivery_reach_period ON webhooks.delivery_reach (event_period);
CREATE INDEX delivery_reach_late ON webhooks.delivery_reach (event_period, late_at) WHERE late_at IS NOT NULL;

-- That somebody was told that an endpoint's held events are about to expire: once for each pause and each of the two marks.
CREATE TABLE webhooks.expiry_warning (
    endpoint  bigint PRIMARY KEY,
    percent   smallint NOT NULL CHECK (percent IN (75, 95)),
    paused_at timestamptz,
    cursor    bigint NOT NULL
);

-- Events whose data was taken away. Kept for good, as the proof of it; the event itself keeps its place with data of no bytes, which nobody can publish.
CREATE TABLE webhooks.expunged_event (
    bucket      smallint NOT NULL,
    position    bigint NOT NULL,
    application bigint NOT NULL,
    id          uuid NOT NULL,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    expunged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (bucket, position)
);

CREATE INDEX resume_request_age ON webhooks.resume_request (at);

-- An identity cannot be handed from a table to its partitions; a sequence as the default can.
CREATE SEQUENCE webhooks.settlement_number AS bigint CACHE 1;
CREATE SEQUENCE webhooks.attempt_number AS bigint CACHE 1;
SELECT setval('webhooks.settlement_number', coalesce((SELECT max(settlement) FROM webhooks.settlement), 0) + 1, false),
       setval('webhooks.attempt_number', coalesce((SELECT max(attempt) FROM webhooks.attempt), 0) + 1, false);
ALTER TABLE webhooks.settlement ALTER COLUMN settlement DROP IDENTITY;
ALTER TABLE webhooks.settlement ALTER COLUMN settlement SET DEFAULT nextval('webhooks.settlement_number');
ALTER TABLE webhooks.attempt ALTER COLUMN attempt DROP IDENTITY;
ALTER TABLE webhooks.attempt ALTER COLUMN attempt SET DEFAULT nextval('webhooks.attempt_number');

-- The period in force when it was numbered: never lower than that of the number before.
ALTER TABLE webhooks.delivery ADD COLUMN period integer NOT NULL DEFAULT 0;

-- Adds the partitions of a period. Attaching does not keep writers of the tables out; creating them as partitions would.
-- `delivery` has its key on each partition alone: one that holds for all would have to contain the period, and be a third larger for nothing.
CREATE FUNCTION webhooks.create_partitions(period integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part text;
    first bigint := period::bigint << 40;
BEGIN
    FOREACH part IN ARRAY ARRAY['event', 'event_verdict', 'settlement', 'attempt', 'delivery'] LOOP
        EXECUTE format('CREATE TABLE webhooks.%1$s_p%2$s (LIKE webhooks.%1$s INCLUDING ALL)', part, period);
        IF part = 'delivery' THEN
            EXECUTE format('ALTER TABLE webhooks.delivery_p%s ADD PRIMARY KEY (bucket, endpoint, seq)', period);
            EXECUTE format('ALTER TABLE webhooks.delivery ATTACH PARTITION webhooks.delivery_p%1$s FOR VALUES FROM (%1$s) TO (%2$s)', period, period + 1);
        ELSE
            EXECUTE format('ALTER TABLE webhooks.%1$s ATTACH PARTITION webhooks.%1$s_p%2$s FOR VALUES FROM (%3$s) TO (%4$s)',
                           part, period, first, first + (1::bigint << 40));
        END IF;
    END LOOP;
END $$;

-- Lets every sequence jump to the beginning of a period, and only upwards. Whoever draws from one meanwhile gets a number of the old period or of the new one.
CREATE FUNCTION webhooks.begin_numbers(period integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    numbers text;
    last bigint;
BEGIN
    FOREACH numbers IN ARRAY ARRAY['settlement_number', 'attempt_number'] || ARRAY(SELECT 'position_' || b FROM generate_series(0, 15) AS b) LOOP
        EXECUTE format('SELECT last_value FROM webhooks.%I', numbers) INTO last;
        IF last < period::bigint << 40 THEN
            PERFORM setval(format('webhooks.%I', numbers)::regclass, period::bigint << 40);
        END IF;
    END LOOP;
END $$;

DO $$
DECLARE
    part text;
    split text;
BEGIN
    FOREACH part IN ARRAY ARRAY['event', 'event_verdict', 'settlement', 'attempt', 'delivery'] LOOP
        split := CASE part WHEN 'event' THEN 'position' WHEN 'event_verdict' THEN 'position' WHEN 'delivery' THEN 'period' ELSE part END;
        EXECUTE format('ALTER TABLE webhooks.%1$s RENAME TO %1$s_p0', part);
        EXECUTE format('ALTER TABLE webhooks.%1$s_p0 RENAME CONSTRAINT %1$s_pkey TO %1$s_p0_pkey', part);
        EXECUTE format('CREATE TABLE webhooks.%1$s (LIKE webhooks.%1$s_p0 INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) PARTITION BY RANGE (%2$s)', part, split);
        IF part = 'delivery' THEN
            ALTER TABLE webhooks.delivery ATTACH PARTITION webhooks.delivery_p0 FOR VALUES FROM (0) TO (1);
        ELSE
            EXECUTE format('ALTER TABLE webhooks.%s ADD PRIMARY KEY (bucket, %s%s)', part, CASE WHEN split = 'position' THEN '' ELSE 'endpoint, ' END, split);
            EXECUTE format('ALTER TABLE webhooks.%1$s ATTACH PARTITION webhooks.%1$s_p0 FOR VALUES FROM (0) TO (%2$s)', part, 1::bigint << 40);
        END IF;
    END LOOP;
END $$;

-- An event is found by its id within its application's bucket; ids made later sort later, so these grow at one end each.
CREATE INDEX event_id ON webhooks.event (bucket, id);
