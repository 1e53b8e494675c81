-- Counts a stream's event that was set aside as settled in another way: at its mark while it has one, else with the rest.
UPDATE webhook_stream SET
    parked = parked - 1 + ($how = 'parked'),
    processed = processed + ($how = 'processed'),
    unhandled = unhandled + ($how = 'unhandled'),
    void = void + ($how = 'void'),
    skipped = skipped + ($how = 'skipped')
WHERE source = $source
    AND NOT EXISTS (SELECT 1 FROM webhook_ahead WHERE source = $source AND seq = $seq AND epoch = $epoch);

UPDATE webhook_ahead SET how = $how WHERE source = $source AND seq = $seq AND epoch = $epoch;
