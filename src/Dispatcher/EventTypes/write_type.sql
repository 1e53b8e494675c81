-- Locks the type's row; the caller holds the generation's, so nobody waits for it. Gives no row when the organization has as many types as it may.
-- $1 organization, $2 name, $3 description, $4 version, $5 whether it is deprecated, $6 why, $7 whether it is archived, $8 generation, $9 how many types there may be
INSERT INTO webhooks.event_type AS t (organization, name, description, version, deprecated_at, deprecation_note, archived_at, generation)
SELECT $1, $2, $3, $4, CASE WHEN $5::boolean THEN now() END, $6, CASE WHEN $7::boolean THEN now() END, $8
WHERE EXISTS (SELECT FROM webhooks.event_type WHERE organization = $1 AND name = $2) OR (SELECT count(*) FROM webhooks.event_type WHERE organization = $1) < $9
ON CONFLICT (organization, name) DO UPDATE
SET description = $3, version = $4, deprecated_at = CASE WHEN $5::boolean THEN coalesce(t.deprecated_at, now()) END, deprecation_note = $6,
    archived_at = CASE WHEN $7::boolean THEN coalesce(t.archived_at, now()) END, generation = $8
RETURNING t.event_type
