namespace Webhooks.Bench.Sink;

/// <summary>What the sink has to expect, and how it behaves.</summary>
/// <param name="Endpoints">Its paths are numbered from 0 to below this.</param>
/// <param name="Events">The numbers <c>n</c> whose times of arrival are kept are 0 to below this.</param>
internal sealed record SinkRun(int Endpoints, int Events)
{
    /// <summary>How long it takes to answer, after the body has come; no thread waits meanwhile.</summary>
    public TimeSpan Latency { get; init; }
}

/// <summary>The sink's side of the ledger.</summary>
/// <param name="Requests">All that came.</param>
/// <param name="Distinct">Different events: endpoint and seq.</param>
/// <param name="Repeated">Events that had come before.</param>
/// <param name="OutOfOrder">Events that came for the first time and were not the next of their stream. Means nothing where order is not promised.</param>
/// <param name="Broken">Bodies without a number, and batches that were not what they said they were.</param>
internal sealed record SinkCounts(long Requests, long Distinct, long Repeated, long OutOfOrder, long Broken)
{
    public static readonly SinkCounts None = new(0, 0, 0, 0, 0);

    /// <summary>Whether so many different events have come, each stream in order.</summary>
    public bool IsInOrder(long events) => IsComplete(events) && OutOfOrder == 0;

    /// <summary>Whether so many different events have come, in any order.</summary>
    public bool IsComplete(long events) => Distinct == events && Broken == 0;

    public static SinkCounts operator +(SinkCounts a, SinkCounts b) => new(
        a.Requests + b.Requests, a.Distinct + b.Distinct, a.Repeated + b.Repeated, a.OutOfOrder + b.OutOfOrder, a.Broken + b.Broken);
}
