-- The source's progress is locked. What was set aside of events that are to be settled once more.
WITH gone AS (DELETE FROM inbox.parked WHERE source = $1 AND seq > $2 AND epoch < $3 RETURNING 1)
UPDATE inbox.progress SET parked = parked - (SELECT count(*) FROM gone) WHERE source = $1
