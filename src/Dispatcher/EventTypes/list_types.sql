-- Locks nothing. $1 organization, $2 older than this, $3 how many
SELECT t.name, t.description, t.version, t.deprecated_at, t.deprecation_note, t.archived_at, t.created_at, t.event_type
FROM webhooks.event_type t
WHERE t.organization = $1 AND t.event_type < $2
ORDER BY t.event_type DESC LIMIT $3
