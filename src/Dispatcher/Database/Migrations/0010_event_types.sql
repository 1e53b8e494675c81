-- Event types, which key published an event, and the audit log's indexes by action.
-- Locks: runs once, in one transaction, under the migrator's advisory lock. `event` gets a column without being rewritten; an index of the events is built anew, for which
-- they are read once, as is the audit log.

-- An event is found by its id alone; an application's are listed by walking its bucket. An index of each application's own cost every publish more than such a list saves.
DROP INDEX webhooks.event_id;
CREATE INDEX event_id ON webhooks.event (id);

-- What was done in one way may be rare in a long log: it is found without walking past all the rest.
CREATE INDEX audit_action ON webhooks.audit (organization, action, audit);
CREATE INDEX audit_application_action ON webhooks.audit (application, action, audit) WHERE application IS NOT NULL;
CREATE INDEX audit_target_action ON webhooks.audit (organization, target, action, audit);

-- Event types of an organization, with what their data is held to. None is deleted: an archived one keeps its name and its history.
-- Every change takes the next generation, by a row that all changes lock: so a process sees by one number whether something has changed, and by the types' own what.
CREATE TABLE webhooks.event_type_generation (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation bigint NOT NULL
);
INSERT INTO webhooks.event_type_generation (generation) VALUES (0);
CREATE TABLE webhooks.event_type (
    event_type       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization     bigint NOT NULL REFERENCES webhooks.organization,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    description      text NOT NULL CHECK (length(description) <= 2000),
    version          integer NOT NULL,
    deprecated_at    timestamptz,
    deprecation_note text CHECK (length(deprecation_note) BETWEEN 1 AND 500),
    archived_at      timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    generation       bigint NOT NULL,
    UNIQUE (organization, name),
    CHECK (deprecation_note IS NULL OR deprecated_at IS NOT NULL)
);
CREATE INDEX event_type_page ON webhooks.event_type (organization, event_type);
CREATE INDEX event_type_changed ON webhooks.event_type (generation);
CREATE TABLE webhooks.event_type_version (
    event_type bigint NOT NULL REFERENCES webhooks.event_type,
    version    integer NOT NULL CHECK (version BETWEEN 1 AND 100),
    schema     text,
    example    text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_type, version)
);

-- Which key published an event; null for the library's own publishes. Publishes have no rows in the audit log: the event itself is the record.
ALTER TABLE webhooks.event ADD COLUMN api_key bigint;
