-- Locks the endpoint's row, so that two changes of its secrets are judged one after the other. $1 endpoint id
SELECT endpoint FROM webhooks.endpoint WHERE id = $1 AND deleted_at IS NULL FOR UPDATE
