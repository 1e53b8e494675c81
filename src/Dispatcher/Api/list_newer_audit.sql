-- Locks nothing. One of six ways is gone, each by an index of its own: the rows of a target, of an application or of an organization, all of them or those of one action.
-- $1 organization, $2 the one application that the key may see, or null, $3 newer than this, $4 how many, $5 action or null, $6 target or null
SELECT f.at, f.api_key, f.action, f.target, (SELECT a.id FROM webhooks.application a WHERE a.application = f.application), f.request_id, f.details::text, f.audit
FROM (
    (SELECT * FROM webhooks.audit
     WHERE organization = $1 AND target = $6 AND ($2::bigint IS NULL OR application = $2) AND $5::text IS NULL AND audit > $3
     ORDER BY audit LIMIT $4)
    UNION ALL
    (SELECT * FROM webhooks.audit
     WHERE organization = $1 AND target = $6 AND ($2::bigint IS NULL OR application = $2) AND action = $5 AND audit > $3
     ORDER BY audit LIMIT $4)
    UNION ALL
    (SELECT * FROM webhooks.audit
     WHERE $6::text IS NULL AND organization = $1 AND application = $2 AND $5::text IS NULL AND audit > $3
     ORDER BY audit LIMIT $4)
    UNION ALL
    (SELECT * FROM webhooks.audit
     WHERE $6::text IS NULL AND organization = $1 AND application = $2 AND action = $5 AND audit > $3
     ORDER BY audit LIMIT $4)
    UNION ALL
    (SELECT * FROM webhooks.audit
     WHERE $6::text IS NULL AND $2::bigint IS NULL AND organization = $1 AND $5::text IS NULL AND audit > $3
     ORDER BY audit LIMIT $4)
    UNION ALL
    (SELECT * FROM webhooks.audit
     WHERE $6::text IS NULL AND $2::bigint IS NULL AND organization = $1 AND action = $5 AND audit > $3
     ORDER BY audit LIMIT $4)
) f
ORDER BY f.audit LIMIT $4
