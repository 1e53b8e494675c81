-- Locks nothing. Who may still be sending to an endpoint: nobody, once the lease is given back or has run out. $1 endpoint
SELECT lease_owner, lease_epoch FROM webhooks.delivery_state WHERE endpoint = $1 AND lease_owner IS NOT NULL AND due_at > clock_timestamp()
