-- Takes back what was set aside. The row that is removed is the fence: of two processes only one removes it.
DELETE FROM webhook_parked WHERE source = $source AND epoch = $epoch AND seq = $seq AND event_id = $id;
