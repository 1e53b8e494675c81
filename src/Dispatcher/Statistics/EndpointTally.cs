using System.Globalization;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>What was counted of an endpoint in a minute, as it is stored.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Minute">Its beginning.</param>
/// <param name="Attempts">Attempts by the word of their outcome, as a JSON object.</param>
/// <param name="Settled">Events by the word they were settled with, as a JSON object.</param>
/// <param name="Latency">How often attempts took how long.</param>
/// <param name="Longest">The longest attempt, in microseconds.</param>
internal sealed record TalliedMinute(long Endpoint, DateTimeOffset Minute, string Attempts, string Settled, long[] Latency, long Longest);

/// <summary>Counts of one endpoint since they were last taken. Counting allocates nothing: it is done for every attempt.</summary>
internal sealed class EndpointTally(long endpoint)
{
    private static readonly string[] Outcomes = [.. Enum.GetValues<AttemptOutcome>().Select(outcome => outcome.Word())];
    private static readonly string[] Settlements = ["delivered", "taken_from_feed", "skipped", "expired", "rewound", "void", "deferred", "exhausted", "replayed"];

    private readonly Lock _gate = new();
    private readonly int[] _latency = new int[LatencyHistogram.Buckets];
    private readonly long[] _attempts = new long[Outcomes.Length];
    private readonly long[] _settled = new long[Settlements.Length];
    private List<TalliedMinute>? _aside;
    private long _minute;
    private long _longest;
    private bool _any;
    private bool _closed;

    /// <summary>Counts an attempt; false when it is closed, and nothing may be counted in it any more.</summary>
    /// <param name="minute">In which it ended, counted from the beginning of time.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="microseconds">How long it took.</param>
    public bool Attempted(long minute, AttemptOutcome outcome, long microseconds)
    {
        lock (_gate)
        {
            if (!Turn(minute)) return false;
            _attempts[(int)outcome]++;
            _latency[LatencyHistogram.BucketOf(microseconds)]++;
            if (microseconds > _longest) _longest = microseconds;
            return true;
        }
    }

    /// <summary>Counts events that were settled; false when it is closed.</summary>
    public bool Settled(long minute, string outcome, long events)
    {
        lock (_gate)
        {
            if (!Turn(minute)) return false;
            var settlement = Array.IndexOf(Settlements, outcome);
            if (settlement >= 0) _settled[settlement] += events;
            return true;
        }
    }

    /// <summary>Takes what was counted. When that is nothing, it is closed.</summary>
    /// <returns>Whether it is closed.</returns>
    public bool Take(List<TalliedMinute> into)
    {
        lock (_gate)
        {
            _closed = !_any && _aside is null;
            if (_aside is not null) into.AddRange(_aside);
            if (_any) into.Add(Cut());
            (_aside, _minute) = (null, 0);
            return _closed;
        }
    }

    /// <summary>Goes on to a minute. What comes from an earlier one is counted in the one that is going on.</summary>
    private bool Turn(long minute)
    {
        if (_closed) return false;
        if (minute > _minute)
        {
            if (_any) (_aside ??= []).Add(Cut());
            _minute = minute;
        }

        return _any = true;
    }

    private TalliedMinute Cut()
    {
        var cut = new TalliedMinute(
            endpoint, new DateTimeOffset(_minute * TimeSpan.TicksPerMinute, TimeSpan.Zero), Json(Outcomes, _attempts), Json(Settlements, _settled),
            LatencyHistogram.Pack(_latency), _longest);
        Array.Clear(_latency);
        Array.Clear(_attempts);
        Array.Clear(_settled);
        (_longest, _any) = (0, false);
        return cut;
    }

    // The words are plain ones.
    private static string Json(string[] words, long[] counts)
    {
        var members = words.Zip(counts).Where(one => one.Second > 0).Select(one => string.Create(CultureInfo.InvariantCulture, $"\"{one.First}\":{one.Second}"));
        return $"{{{string.Join(',', members)}}}";
    }
}
