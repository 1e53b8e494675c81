using System.Text.Json;

namespace Webhooks.Dispatcher.Statistics;

/// <summary>Adds up what was counted in several minutes, and tells it.</summary>
internal sealed class SpanSum(DateTimeOffset at)
{
    private const string Delivered = "delivered";

    private readonly SortedDictionary<string, long> _attempts = [];
    private readonly SortedDictionary<string, long> _settled = [];
    private readonly LatencyHistogram _latency = new();

    /// <param name="attempts">By outcome, a JSON object.</param>
    /// <param name="settled">By word, a JSON object.</param>
    /// <param name="latency">How often attempts took how long.</param>
    /// <param name="longest">The longest, in microseconds.</param>
    public void Add(string attempts, string settled, long[] latency, long longest)
    {
        Add(_attempts, attempts);
        Add(_settled, settled);
        _latency.Add(latency, longest);
    }

    public SpanStatistics Tell() => new()
    {
        At = at,
        Deliveries = _settled.GetValueOrDefault(Delivered),
        Attempts = _attempts.Values.Sum(),
        Failures = Others(_attempts),
        Settled = Others(_settled),
        Latency = _latency.Count == 0 ? null : new(Percentile(0.5), Percentile(0.95), Percentile(0.99), TimeSpan.FromMicroseconds(_latency.Max)),
    };

    private TimeSpan Percentile(double part) => TimeSpan.FromMicroseconds(_latency.Percentile(part));

    private static Dictionary<string, long> Others(SortedDictionary<string, long> counts) =>
        counts.Where(one => one.Key != Delivered).ToDictionary(one => one.Key, one => one.Value);

    private static void Add(SortedDictionary<string, long> sum, string json)
    {
        using var counts = JsonDocument.Parse(json);
        foreach (var one in counts.RootElement.EnumerateObject()) sum[one.Name] = sum.GetValueOrDefault(one.Name) + one.Value.GetInt64();
    }
}
