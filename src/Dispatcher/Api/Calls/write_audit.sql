-- Locks nothing but the row it adds. It belongs to the application that the key is bound to, that the handler or the path named, or that the target is or is of; else to none.
-- $1 organization, $2 the key's application or null, $3 id of an application or null, $4 target, $5 key's id, $6 action, $7 request id, $8 details
INSERT INTO webhooks.audit (organization, application, target, api_key, action, request_id, details)
VALUES ($1,
        coalesce($2::bigint,
                 (SELECT application FROM webhooks.application WHERE id = coalesce($3::text, $4::text) AND organization = $1),
                 (SELECT application FROM webhooks.endpoint WHERE id = $4::text),
                 (SELECT application FROM webhooks.task WHERE id = $4::text)),
        $4, $5, $6, $7, $8::jsonb)
