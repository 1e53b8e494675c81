-- The source's progress is locked. Compares, so of two that move it from one place only one does, and what was settled by itself is not settled again.
UPDATE inbox.progress p
SET epoch = $4, watermark = $5,
    processed = processed + ($6 = 'processed')::int, unhandled = unhandled + ($6 = 'unhandled')::int, void = void + ($6 = 'void')::int,
    parked = parked + ($6 = 'parked')::int, skipped = skipped + ($6 = 'skipped')::int, lost = lost + CASE WHEN $6 = 'lost' THEN $5 - $3 ELSE 0 END
WHERE p.source = $1 AND p.epoch = $2 AND p.watermark = $3
  AND ($6 IN ('lost', 'marked', 'rewound') OR NOT EXISTS (SELECT 1 FROM inbox.ahead a WHERE a.source = $1 AND a.seq = $5 AND a.epoch >= $4))
