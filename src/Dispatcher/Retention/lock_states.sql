-- Locks the delivery states of some endpoints, in their order, so that what the next statement reads and changes stays true until the commit. $1 endpoints
SELECT s.endpoint FROM webhooks.delivery_state s WHERE s.endpoint = ANY ($1) ORDER BY s.endpoint FOR NO KEY UPDATE
