-- Moves the watermark. The handler's transaction holds the database's write lock; that the watermark is compared keeps a second process, whose
-- transaction began later, from passing the same numbers. What was settled by itself is not settled a second time.
UPDATE webhook_stream SET
    epoch = $toEpoch,
    watermark = $to,
    processed = processed + ($how = 'processed'),
    unhandled = unhandled + ($how = 'unhandled'),
    void = void + ($how = 'void'),
    parked = parked + ($how = 'parked'),
    skipped = skipped + ($how = 'skipped'),
    lost = lost + CASE WHEN $how = 'lost' THEN $to - $from ELSE 0 END
WHERE source = $source AND epoch = $fromEpoch AND watermark = $from
    AND ($how IN ('lost', 'marked', 'rewound')
        OR NOT EXISTS (SELECT 1 FROM webhook_ahead WHERE source = $source AND seq = $to AND epoch >= $toEpoch));
