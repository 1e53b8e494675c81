-- Locks the row. For the first time, or when the identifier could not be read before; two nodes store the same. $1 system identifier or null, $2 timeline
UPDATE webhooks.database_identity SET system_identifier = coalesce($1, system_identifier), timeline = $2
WHERE one AND (timeline IS NULL OR timeline = $2) AND (system_identifier IS NULL OR $1::bigint IS NULL OR system_identifier = $1)
