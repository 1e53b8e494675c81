using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Webhooks.Receiver;

/// <summary>The counters of all sources. Tags are bounded: sources, outcomes, secret ids and registered types.</summary>
internal sealed class ReceiverMetrics
{
    public const string Name = "Webhooks.Receiver";

    public static readonly ActivitySource Activities = new(Name);

    private readonly Counter<long> _requests, _received, _duplicates, _opened, _closed, _backfilled, _resumes, _failures, _processed, _matched;
    private readonly Histogram<double> _duration;
    private readonly Gauge<long> _lag, _blocked;

    public ReceiverMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _requests = meter.CreateCounter<long>("webhooks.receiver.requests", "{request}", "Requests by source and outcome.");
        _received = meter.CreateCounter<long>("webhooks.receiver.received", "{event}", "Events stored from deliveries; a batch is one request and many events.");
        _matched = meter.CreateCounter<long>("webhooks.receiver.signature.matched", "{request}", "Verified requests by the secret that matched.");
        _duplicates = meter.CreateCounter<long>("webhooks.receiver.duplicates", "{event}", "Deliveries of events that were there already.");
        _opened = meter.CreateCounter<long>("webhooks.receiver.gaps.opened", "{gap}", "Gaps seen.");
        _closed = meter.CreateCounter<long>("webhooks.receiver.gaps.closed", "{gap}", "Gaps closed.");
        _backfilled = meter.CreateCounter<long>("webhooks.receiver.backfilled", "{event}", "Events fetched from the feed.");
        _resumes = meter.CreateCounter<long>("webhooks.receiver.self_resumes", "{request}", "Requests to be delivered to again, by outcome.");
        _processed = meter.CreateCounter<long>("webhooks.receiver.processed", "{event}", "Events settled, by how.");
        _failures = meter.CreateCounter<long>("webhooks.receiver.handler.failures", "{attempt}", "Failed attempts of handlers.");
        _duration = meter.CreateHistogram<double>("webhooks.receiver.handler.duration", "s", "How long handlers take.");
        _lag = meter.CreateGauge<long>("webhooks.receiver.lag", "{event}", "Events stored and not processed.");
        _blocked = meter.CreateGauge<long>("webhooks.receiver.blocked", "{stream}", "1 while the stream waits for somebody to act.");
    }

    public void Requested(string source, string outcome) => _requests.Add(1, Source(source), new("outcome", outcome));

    public void Matched(string source, string secret) => _matched.Add(1, Source(source), new("secret_id", secret));

    public void Delivered(string source, int stored, int duplicates)
    {
        if (stored > 0) _received.Add(stored, Source(source));
        if (duplicates > 0) _duplicates.Add(duplicates, Source(source));
    }

    public void GapOpened(string source) => _opened.Add(1, Source(source));

    public void GapClosed(string source) => _closed.Add(1, Source(source));

    public void Backfilled(string source, long events) => _backfilled.Add(events, Source(source));

    public void Resumed(string source, string outcome) => _resumes.Add(1, Source(source), new("outcome", outcome));

    public void Settled(string source, string how) => _processed.Add(1, Source(source), new("how", how));

    public void Handled(string source, string type, TimeSpan took, bool succeeded)
    {
        _duration.Record(took.TotalSeconds, Source(source), new("type", type), new("succeeded", succeeded));
        if (!succeeded) _failures.Add(1, Source(source), new("type", type));
    }

    public void Lag(string source, long waiting, bool blocked)
    {
        _lag.Record(waiting, Source(source));
        _blocked.Record(blocked ? 1 : 0, Source(source));
    }

    private static KeyValuePair<string, object?> Source(string source) => new("source", source);
}
