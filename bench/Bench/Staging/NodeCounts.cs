using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Webhooks.Bench.Staging;

/// <summary>What a dispatcher process has done since it began, by its own metrics, and the timestamps of the last of each.</summary>
internal sealed record NodeCounts(long Numbered, long NumberedAt, long Settled, long SettledAt)
{
    public static readonly NodeCounts None = new(0, 0, 0, 0);

    public static NodeCounts operator +(NodeCounts a, NodeCounts b) => new(
        a.Numbered + b.Numbered, Math.Max(a.NumberedAt, b.NumberedAt), a.Settled + b.Settled, Math.Max(a.SettledAt, b.SettledAt));
}

/// <summary>Counts in the dispatcher's own process: asking the database would be load.</summary>
internal sealed class NodeCounter : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private NodeCounts _counts = NodeCounts.None;

    public NodeCounter()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name is NumberedName or SettledName) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, count, _, _) =>
        {
            var now = Stopwatch.GetTimestamp();
            lock (_lock) _counts += instrument.Name == NumberedName ? new NodeCounts(count, now, 0, 0) : new NodeCounts(0, 0, count, now);
        });
        _listener.Start();
    }

    public NodeCounts Counts
    {
        get
        {
            lock (_lock) return _counts;
        }
    }

    public void Dispose() => _listener.Dispose();

    private const string NumberedName = "webhooks.dispatcher.deliveries";
    private const string SettledName = "webhooks.dispatcher.settled";
}
