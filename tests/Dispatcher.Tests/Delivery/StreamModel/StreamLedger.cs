namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>What became of each number, from the settlements alone: one end each, until it is sent anew.</summary>
internal static class StreamLedger
{
    public static void Check(StreamModel stream)
    {
        var ends = new Dictionary<long, string>();
        foreach (var line in stream.Log.Split(' ', StringSplitOptions.RemoveEmptyEntries).Chunk(2))
        {
            var range = line[0].Split('-');
            var outcome = line[1].Split('@')[0];
            for (var seq = long.Parse(range[0]); seq <= long.Parse(range[1]); seq++) Enter(ends, seq, outcome);
        }

        for (var seq = 1L; seq <= stream.Cursor; seq++)
        {
            Assert.True(ends.TryGetValue(seq, out var end), $"{seq} is behind the cursor, and nothing became of it.");
            Assert.True(end != "deferred" || stream.Deferred.ContainsKey(seq), $"{seq} was deferred, and nobody retries it.");
        }

        foreach (var (seq, end) in ends) Assert.True(seq <= stream.Cursor, $"{seq} is {end}, and will be sent again.");
    }

    private static void Enter(Dictionary<long, string> ends, long seq, string outcome)
    {
        var was = ends.GetValueOrDefault(seq);
        switch (outcome)
        {
            case "rewound":
                ends.Remove(seq);
                break;
            case "replayed" or "exhausted" or "skipped" when was is not null:
                // A replay of what has ended may itself end in any of these ways.
                if (was == "deferred") ends[seq] = outcome;
                break;
            default:
                Assert.True(was is null || (was == "deferred" && outcome is not "deferred"), $"{seq} was {was}, and then {outcome}.");
                ends[seq] = outcome;
                break;
        }
    }
}
