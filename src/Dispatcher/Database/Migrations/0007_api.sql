-- The management API: who may call it, how much, what was answered before, and who did what.
-- Locks: runs once, in one transaction, under the migrator's advisory lock. `application`, `endpoint` and `delivery` get columns without being rewritten; an index of the
-- events is built anew, for which they are read once.

-- Whose keys see which applications. What the library creates belongs to the first one, the platform's own.
CREATE TABLE webhooks.organization (
    organization bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text NOT NULL UNIQUE CHECK (id ~ '^org_[0-9a-z]{32}$'),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO webhooks.organization (id, name) VALUES ('org_00000000000000000000000000000001', 'default');

ALTER TABLE webhooks.application
    ADD COLUMN organization bigint NOT NULL DEFAULT 1 REFERENCES webhooks.organization,
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN daily_quota  bigint CHECK (daily_quota >= 1);
CREATE INDEX application_organization ON webhooks.application (organization, application);

-- Headers of an endpoint's own: encrypted, for they are credentials mostly; only their names are shown.
ALTER TABLE webhooks.endpoint
    ADD COLUMN headers      bytea,
    ADD COLUMN header_names text[] NOT NULL DEFAULT '{}' CHECK (cardinality(header_names) <= 10),
    ADD CONSTRAINT endpoint_headers CHECK ((headers IS NULL) = (cardinality(header_names) = 0));

-- A page of an application's endpoints, and the one that has a URL already. The URL itself may be too long for an index.
DROP INDEX webhooks.endpoint_application;
CREATE INDEX endpoint_page ON webhooks.endpoint (application, endpoint);
CREATE INDEX endpoint_url ON webhooks.endpoint (application, hashtextextended(url, 0)) WHERE deleted_at IS NULL;

-- A key is found by its hash; the key itself is stored nowhere. What is shown of it is its beginning.
CREATE TABLE webhooks.api_key (
    api_key             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                  text NOT NULL UNIQUE CHECK (id ~ '^key_[0-9a-z]{32}$'),
    organization        bigint NOT NULL REFERENCES webhooks.organization,
    application         bigint REFERENCES webhooks.application,
    endpoint            bigint REFERENCES webhooks.endpoint,
    name                text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    prefix              text NOT NULL,
    hash                bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    scopes              text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 50),
    requests_per_minute integer CHECK (requests_per_minute >= 1),
    created_at          timestamptz NOT NULL DEFAULT now(),
    expires_at          timestamptz,
    revoked_at          timestamptz,
    last_used_at        timestamptz,
    CHECK (endpoint IS NULL OR application IS NOT NULL)
);
CREATE INDEX api_key_organization ON webhooks.api_key (organization, api_key);

-- What a request with an Idempotency-Key was answered, written in the transaction of what it did. The body is encrypted: it may hold a new endpoint's secret.
-- It belongs to what the caller is bound to (0 for not bound so far): what one customer was answered is no answer to another one's key.
CREATE TABLE webhooks.api_answer (
    organization    bigint NOT NULL,
    application     bigint NOT NULL,
    endpoint        bigint NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash    bytea NOT NULL CHECK (length(request_hash) = 32),
    status          smallint NOT NULL DEFAULT 0,
    body            bytea NOT NULL DEFAULT '',
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (organization, application, endpoint, idempotency_key)
);
CREATE INDEX api_answer_age ON webhooks.api_answer (at);

-- Requests of a key in a minute, and events of an application in a day (UTC), of which each process takes some at a time.
CREATE UNLOGGED TABLE webhooks.api_rate (
    api_key bigint NOT NULL,
    minute  timestamptz NOT NULL,
    used    bigint NOT NULL,
    PRIMARY KEY (api_key, minute)
);
CREATE TABLE webhooks.api_quota (
    application bigint NOT NULL,
    day         date NOT NULL,
    used        bigint NOT NULL,
    PRIMARY KEY (application, day)
);

-- Who did what through the API. Never a secret, a key or an event's data. A key that is bound sees the rows of its application, and none that has no application.
CREATE TABLE webhooks.audit (
    audit        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    organization bigint NOT NULL,
    application  bigint,
    api_key      text NOT NULL,
    action       text NOT NULL,
    target       text NOT NULL,
    request_id   text NOT NULL,
    details      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_organization ON webhooks.audit (organization, audit);
CREATE INDEX audit_application ON webhooks.audit (application, audit) WHERE application IS NOT NULL;
CREATE INDEX audit_target ON webhooks.audit (organization, target, audit);

-- An operational event's number, too, is drawn by somebody who is seen to run: an observer forgets a missing one only when everybody who could still commit it has ended.
CREATE SEQUENCE webhooks.operational_event_number AS bigint CACHE 1;
SELECT setval('webhooks.operational_event_number', coalesce((SELECT max(operational_event) FROM webhooks.operational_event), 0) + 1, false);
CREATE FUNCTION webhooks.next_operational_event() RETURNS bigint LANGUAGE sql VOLATILE AS
    'SELECT CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval(''webhooks.operational_event_number'') END';
ALTER TABLE webhooks.operational_event ALTER COLUMN operational_event DROP IDENTITY;
ALTER TABLE webhooks.operational_event ALTER COLUMN operational_event SET DEFAULT webhooks.next_operational_event();

-- How far each observer has seen the operational events, with the gaps below its mark as in sequencer_batch; and which process observes.
CREATE TABLE webhooks.observer (
    name         text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
    mark         bigint NOT NULL,
    gap_first    bigint[] NOT NULL DEFAULT '{}',
    gap_last     bigint[] NOT NULL DEFAULT '{}',
    gap_horizon  bigint[] NOT NULL DEFAULT '{}',
    owner        uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    CHECK (cardinality(gap_first) = cardinality(gap_last) AND cardinality(gap_first) = cardinality(gap_horizon))
);

-- How long the parts of a failed attempt took, in ms, as far as they are known.
ALTER TABLE webhooks.attempt ADD COLUMN phases jsonb;

-- An application's events are listed, newest first, and found by their ids, which begin with the time of publishing. One index does both: a second one beside that of
-- the ids would cost each publish twice as much as this wider one does.
DROP INDEX webhooks.event_id;
CREATE INDEX event_id ON webhooks.event (application, id);

-- Whether a number was given out of the order of positions: to an event that was committed late, or to one of before its endpoint. Null for all others, which takes no
-- room; those stand in the order of their positions, and so are found by halving. Only what does not is indexed.
ALTER TABLE webhooks.delivery ADD COLUMN displaced boolean;
CREATE INDEX delivery_displaced ON webhooks.delivery (bucket, position) WHERE displaced;

-- Long work that was asked for: done in steps, each a transaction that also moves `position`, so that whoever goes on after a crash goes on there.
CREATE TABLE webhooks.task (
    task        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (id ~ '^task_[0-9a-z]{32}$'),
    application bigint NOT NULL REFERENCES webhooks.application,
    endpoint    bigint REFERENCES webhooks.endpoint,
    kind        text NOT NULL CHECK (kind IN ('replay', 'resume')),
    first       bigint,
    last        bigint,
    reason      text,
    status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'done', 'failed', 'cancelled')),
    position    bigint NOT NULL,
    done        bigint NOT NULL DEFAULT 0,
    total       bigint NOT NULL,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    due_at      timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    CHECK ((kind = 'replay') = (endpoint IS NOT NULL AND first IS NOT NULL AND last IS NOT NULL)),
    CHECK ((status IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((status = 'failed') = (error IS NOT NULL))
);
CREATE INDEX task_due ON webhooks.task (due_at) WHERE ended_at IS NULL;
CREATE INDEX task_application ON webhooks.task (application, task);
