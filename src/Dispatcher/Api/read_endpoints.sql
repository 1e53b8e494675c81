-- Locks nothing. All that is shown of endpoints, in no order; those that were deleted are left out. $1 endpoints
SELECT e.endpoint, e.id, a.id AS application, e.url, e.event_types, e.description, e.failure_threshold::int, e.ordering, e.max_in_flight, e.rate_limit,
       e.batch_max_events, e.batch_max_wait, e.batch_max_bytes, e.receiver_access, e.created_at,
       s.status, s.pause_reason, s.pause_evidence, s.paused_at, x.ciphertexts, x.created, x.expiries, e.header_names
FROM webhooks.endpoint e
JOIN webhooks.application a ON a.application = e.application
JOIN webhooks.delivery_state s ON s.endpoint = e.endpoint
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(x.ciphertext ORDER BY x.secret DESC), '{}') AS ciphertexts, coalesce(array_agg(x.created_at ORDER BY x.secret DESC), '{}') AS created,
           coalesce(array_agg(coalesce(x.expires_at, 'infinity') ORDER BY x.secret DESC), '{}') AS expiries
    FROM webhooks.endpoint_secret x WHERE x.endpoint = e.endpoint AND (x.expires_at IS NULL OR x.expires_at > clock_timestamp())
) x
WHERE e.endpoint = ANY ($1) AND e.deleted_at IS NULL
