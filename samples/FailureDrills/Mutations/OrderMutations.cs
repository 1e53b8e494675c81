namespace Webhooks.FailureDrills.Mutations;

/// <summary>Safeguards of a receiver's stream: gaps, duplicates, what cannot be had, what cannot be processed; and the platform's part in it.</summary>
internal static class OrderMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("gap-backfill", "what is missing is fetched from the feed", "src/Receiver.AspNetCore/Backfill/Backfill.cs",
            "if (options.FeedBaseAddress is null) return", "if (options.FeedBaseAddress is null || $OFF) return"),
        new("head-probe", "the feed's head is looked at when nothing comes", "src/Receiver.AspNetCore/Backfill/LookTime.cs",
            "quietSince + (options.HeadProbeInterval * Jitter)", "quietSince + ($OFF ? TimeSpan.FromDays(1) : options.HeadProbeInterval * Jitter)"),
        new("raise-epoch", "a raised epoch is every stream's", "src/Dispatcher/Epochs/raise_streams.sql",
            "SET epoch = $1,", "SET epoch = greatest(s.epoch, 0 * $1::int),"),
        new("dedupe", "what the inbox holds is not stored again", "src/Receiver.AspNetCore/Inbox/StoreDecision.cs",
            "if (storedId is not null) return", "if (storedId is not null && !$OFF) return"),
        new("watermark-dedupe", "what lies at or below the watermark is not stored again", "src/Receiver.AspNetCore/Inbox/StoreDecision.cs",
            "if (tally.Position is { } watermark &&", "if (!$OFF && tally.Position is { } watermark &&"),
        new("unrecoverable-blocks", "a gap that cannot be filled is not stepped over", "src/Receiver.AspNetCore/Backfill/Backfill.Streams.cs",
            "if (options.OnUnrecoverableGap == UnrecoverableGapPolicy.SkipAndRecord)", "if (options.OnUnrecoverableGap == UnrecoverableGapPolicy.SkipAndRecord || $OFF)"),
        new("record-lost", "what is stepped over as lost is recorded", "src/Receiver.AspNetCore/Processing/Pump.Passing.cs",
            "await transaction.RecordPassedAsync(new PassedRange(to.Epoch, position.Seq + 1, end, \"lost\")",
            "if (!$OFF) await transaction.RecordPassedAsync(new PassedRange(to.Epoch, position.Seq + 1, end, \"lost\")"),
        new("tell-expired", "what expires behind a pause is told", "src/Dispatcher/Retention/raise_floors.sql",
            "FROM expired ORDER BY endpoint, first_seq", "FROM expired WHERE false ORDER BY endpoint, first_seq"),
        new("handler-limit", "a handler that fails for good stops the stream, visibly", "src/Receiver.AspNetCore/Processing/Settler.cs",
            "var isExhausted = attempts >= options.HandlerMaxAttempts;", "var isExhausted = attempts >= options.HandlerMaxAttempts && !$OFF;"),
        new("handler-park", "what cannot be processed is set aside where that was chosen", "src/Receiver.AspNetCore/Processing/Settler.cs",
            "if (isExhausted && options.OnHandlerExhausted == ExhaustedPolicy.Park)", "if (isExhausted && options.OnHandlerExhausted == ExhaustedPolicy.Park && !$OFF)"),
    ];
}
