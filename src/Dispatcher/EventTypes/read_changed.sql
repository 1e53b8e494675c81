-- Locks nothing. The types that changed after a generation, with all of their versions. $1 generation
SELECT t.organization, t.name, t.version, t.deprecated_at, t.deprecation_note, t.archived_at IS NOT NULL, v.version, v.schema
FROM webhooks.event_type t CROSS JOIN LATERAL (SELECT version, schema FROM webhooks.event_type_version WHERE event_type = t.event_type) v
WHERE t.generation > $1
ORDER BY t.event_type
