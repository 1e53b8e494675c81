-- Locks nothing. A type with its versions, oldest first. $1 organization, $2 name
SELECT t.name, t.description, t.version, t.deprecated_at, t.deprecation_note, t.archived_at, t.created_at, v.version, v.schema, v.example, v.created_at, t.event_type
FROM webhooks.event_type t CROSS JOIN LATERAL (SELECT version, schema, example, created_at FROM webhooks.event_type_version WHERE event_type = t.event_type ORDER BY version) v
WHERE t.organization = $1 AND t.name = $2
ORDER BY v.version
