-- Settles an event by itself. Inside the write lock, so that no second process can have passed or marked it after the question.
INSERT INTO webhook_ahead (source, seq, epoch, how)
    SELECT $source, $seq, $epoch, $how
    WHERE NOT EXISTS (SELECT 1 FROM webhook_stream WHERE source = $source AND watermark >= $seq)
    ON CONFLICT DO NOTHING;
