using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>What all pumps of a process share.</summary>
internal sealed partial class PumpServices(
    NodeLease node, LeaseStore leases, ReadAhead reader, Settler settler, DeferredStore deferred, WebhookSender sender, EgressWatch egress, EndpointTallies tallies, DatabaseClock clock, Random random,
    TimeProvider time, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics, ILogger<PumpServices> logger) : IDisposable
{
    public NodeLease Node => node;

    public LeaseStore Leases => leases;

    public ReadAhead Reader => reader;

    public Settler Settler => settler;

    public DeferredStore Deferred => deferred;

    public WebhookSender Sender => sender;

    public EgressWatch Egress => egress;

    public EndpointTallies Tallies => tallies;

    public DatabaseClock Clock => clock;

    public Random Random => random;

    /// <summary>Places for requests under way, over all endpoints.</summary>
    public SendSlots Slots { get; } = new(options.Value.Delivery.MaxConcurrentSends, options.Value.Delivery.MaxSlowSends, time);

    public void Deferring(EndpointLease lease, Deferral deferral, bool exhausted)
    {
        if (exhausted) LogExhausted(lease.Id.Value, deferral.Seq, deferral.Attempts, deferral.Result.Outcome.Word(), deferral.Result.StatusCode);
        else LogDeferred(lease.Id.Value, deferral.Seq, deferral.Attempts, deferral.Result.Outcome.Word(), deferral.Result.StatusCode, deferral.Wait);
    }

    public void Failed(EndpointLease lease, long seq, AttemptResult result, FailureDecision decision, bool recorded)
    {
        var outcome = result.Outcome.Word();
        if (!recorded)
        {
            LogSuperseded(lease.Id.Value, seq, outcome);
        }
        else if (decision.Pause is { } reason)
        {
            metrics.Paused(reason);
            LogPaused(lease.Id.Value, reason.Word(), seq, outcome, result.StatusCode);
        }
        else
        {
            LogFailed(lease.Id.Value, seq, outcome, result.StatusCode, decision.State.ConsecutiveFailures, decision.Wait);
        }
    }

    public void Dispose() => Slots.Dispose();

    [LoggerMessage(1, LogLevel.Warning, "Delivery to {Endpoint} failed at seq {Seq}: {Outcome} {StatusCode}; {Failures} in a row, next attempt in {Wait}", EventName = "DeliveryFailed")]
    private partial void LogFailed(string endpoint, long seq, string outcome, int? statusCode, int failures, TimeSpan wait);

    [LoggerMessage(2, LogLevel.Warning, "Endpoint {Endpoint} paused ({Reason}) at seq {Seq}: {Outcome} {StatusCode}; its events are held", EventName = "EndpointPaused")]
    private partial void LogPaused(string endpoint, string reason, long seq, string outcome, int? statusCode);

    [LoggerMessage(4, LogLevel.Warning, "Delivery to {Endpoint} failed at seq {Seq}, attempt {Attempts}: {Outcome} {StatusCode}; it is tried again beside the stream in {Wait}", EventName = "EventDeferred")]
    private partial void LogDeferred(string endpoint, long seq, int attempts, string outcome, int? statusCode, TimeSpan wait);

    [LoggerMessage(5, LogLevel.Warning, "Delivery to {Endpoint} failed at seq {Seq}, attempt {Attempts}: {Outcome} {StatusCode}; its schedule is used up, and it stays in the feed", EventName = "DeliveryExhausted")]
    private partial void LogExhausted(string endpoint, long seq, int attempts, string outcome, int? statusCode);

    [LoggerMessage(3, LogLevel.Information, "Delivery to {Endpoint} failed at seq {Seq}: {Outcome}; not counted, as the endpoint was changed meanwhile", EventName = "FailureSuperseded")]
    private partial void LogSuperseded(string endpoint, long seq, string outcome);
}
