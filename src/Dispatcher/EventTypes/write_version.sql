-- Locks the version's row; the caller holds the generation's, so nobody waits for it. $1 type, $2 version, $3 schema or null, $4 example or null
INSERT INTO webhooks.event_type_version (event_type, version, schema, example) VALUES ($1, $2, $3, $4)
ON CONFLICT (event_type, version) DO UPDATE SET example = $4
