-- Locks the endpoint's delivery state, so that what the next statements read and change stays true until the commit. $1 endpoint id
SELECT s.endpoint FROM webhooks.delivery_state s
WHERE s.endpoint = (SELECT e.endpoint FROM webhooks.endpoint e WHERE e.id = $1) FOR UPDATE
