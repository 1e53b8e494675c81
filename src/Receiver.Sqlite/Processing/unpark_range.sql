-- Takes away what was set aside of events that are to be settled once more.
UPDATE webhook_stream SET parked = parked - (
    SELECT count(*) FROM webhook_parked WHERE source = $source AND seq > $after AND epoch < $below)
WHERE source = $source;

DELETE FROM webhook_parked WHERE source = $source AND seq > $after AND epoch < $below;
