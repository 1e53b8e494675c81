using System.Diagnostics;
using System.Diagnostics.Metrics;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Diagnostics;

/// <summary>The names under which the dispatcher reports.</summary>
internal static class DispatcherDiagnostics
{
    public const string Name = "Webhooks.Dispatcher";

    public static readonly ActivitySource Source = new(Name);
}

/// <summary>The dispatcher's instruments. Tags have few values: outcomes and reasons, never an id.</summary>
internal sealed class DispatcherMetrics
{
    private readonly Counter<long> _published;
    private readonly Counter<long> _sequenced;
    private readonly Counter<long> _numbered;
    private readonly Counter<long> _verdicts;
    private readonly Counter<long> _settled;
    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _attemptDuration;
    private readonly Counter<long> _paused;
    private readonly Counter<long> _resumed;
    private readonly Counter<long> _fed;
    private readonly UpDownCounter<long> _egressSuspect;

    public DispatcherMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(DispatcherDiagnostics.Name);
        _published = meter.CreateCounter<long>("webhooks.dispatcher.published", "{event}", "Events stored by this process; those in a caller's transaction count though it may be rolled back.");
        _sequenced = meter.CreateCounter<long>("webhooks.dispatcher.sequenced", "{event}", "Events matched and numbered.");
        _numbered = meter.CreateCounter<long>("webhooks.dispatcher.deliveries", "{delivery}", "Numbers given, over all streams.");
        _verdicts = meter.CreateCounter<long>("webhooks.dispatcher.verdicts", "{event}", "Events in no stream, by verdict.");
        _settled = meter.CreateCounter<long>("webhooks.dispatcher.settled", "{delivery}", "Deliveries settled.");
        _attempts = meter.CreateCounter<long>("webhooks.dispatcher.attempts", "{attempt}", "Attempts, by outcome.");
        _attemptDuration = meter.CreateHistogram<double>("webhooks.dispatcher.attempt.duration", "s", "How long attempts take.");
        _paused = meter.CreateCounter<long>("webhooks.dispatcher.paused", "{endpoint}", "Endpoints paused, by reason.");
        _resumed = meter.CreateCounter<long>("webhooks.dispatcher.resumed", "{endpoint}", "Endpoints resumed.");
        _fed = meter.CreateCounter<long>("webhooks.dispatcher.feed.events", "{event}", "Events given by the feed.");
        _egressSuspect = meter.CreateUpDownCounter<long>("webhooks.dispatcher.egress_suspect", "{node}", "1 while this node's own network is suspected, else 0.");
    }

    public void Published(int events) => _published.Add(events);

    public void Sequenced(int events, int deliveries, int unmatched, int duplicates)
    {
        _sequenced.Add(events);
        _numbered.Add(deliveries);
        if (unmatched > 0) _verdicts.Add(unmatched, new KeyValuePair<string, object?>("verdict", "unmatched"));
        if (duplicates > 0) _verdicts.Add(duplicates, new KeyValuePair<string, object?>("verdict", "duplicate"));
    }

    public void Settled(long deliveries) => _settled.Add(deliveries);

    public void Attempted(AttemptResult result)
    {
        var outcome = new KeyValuePair<string, object?>("outcome", result.Outcome.Word());
        _attempts.Add(1, outcome);
        _attemptDuration.Record(result.Duration.TotalSeconds, outcome);
    }

    public void Paused(PauseReason reason) => _paused.Add(1, new KeyValuePair<string, object?>("reason", reason.Word()));

    public void Resumed() => _resumed.Add(1);

    public void EgressSuspect(bool suspect) => _egressSuspect.Add(suspect ? 1 : -1);

    public void Fed(int events) => _fed.Add(events);
}
