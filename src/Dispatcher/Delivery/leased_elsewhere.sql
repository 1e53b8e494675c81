-- Locks nothing. Which of these endpoints another process works on. $1 endpoints, $2 this process
SELECT endpoint FROM webhooks.delivery_state WHERE endpoint = ANY ($1) AND lease_owner IS NOT NULL AND lease_owner <> $2
