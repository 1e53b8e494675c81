-- Locks nothing. Who may still be sending to an endpoint: nobody, once the lease is given back or the node that has it has expired. $1 endpoint
SELECT s.lease_owner, s.lease_epoch
FROM webhooks.delivery_state s JOIN webhooks.node n ON n.node = s.lease_owner AND n.expires_at > clock_timestamp()
WHERE s.endpoint = $1
