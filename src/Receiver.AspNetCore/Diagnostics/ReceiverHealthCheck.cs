using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Webhooks.Receiver;

/// <summary>Healthy; degraded while something is late or out of reach; unhealthy while a stream waits for somebody to act.</summary>
internal sealed class ReceiverHealthCheck(IWebhookReceiverStatus status, string? only) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var blocked = new List<string>();
        var late = new List<string>();
        foreach (var name in only is null ? status.Sources : [only])
        {
            try
            {
                Judge(await status.GetAsync(name, cancellationToken).ConfigureAwait(false), blocked, late);
            }
            catch (InboxUnavailableException e)
            {
                blocked.Add($"{name}: {e.Message}");
            }
        }

        return blocked.Count > 0 ? HealthCheckResult.Unhealthy(string.Join("; ", blocked.Concat(late)))
            : late.Count > 0 ? HealthCheckResult.Degraded(string.Join("; ", late))
            : HealthCheckResult.Healthy();
    }

    // No new process lifts a conflict, unlike what a handler failed at: somebody has to say that it is settled.
    private static string Advice(StreamHold hold) => hold.Reason == HoldReason.StreamConflict
        ? ", until somebody has asked the sender and unblocks it (IWebhookReceiverStatus.UnblockAsync, or POST …/unblock)"
        : "";

    private static void Judge(WebhookSourceStatus source, List<string> blocked, List<string> late)
    {
        if (source.InboxDown) blocked.Add($"{source.Source}: deliveries cannot be stored");
        foreach (var trouble in source.Troubles) blocked.Add($"{source.Source}: {trouble}; tried again");
        if (source.LiveSecrets == 0) blocked.Add($"{source.Source}: no secret counts now, so no request can be verified");
        if (source.SecretError is { } secrets) late.Add($"{source.Source}: the secret provider {secrets}");
        if (source.UnnumberedFailed > 0) blocked.Add($"{source.Source}: the handler has given up on {source.UnnumberedFailed} event(s) without a number");
        foreach (var overdue in source.Overdue) blocked.Add($"{source.Source}: {overdue}");
        if (source.Counts.Parked > 0) late.Add($"{source.Source}: {source.Counts.Parked} event(s) are parked");
        if (source.NearLimit) late.Add($"{source.Source}: three quarters of the inbox limit wait");
        if (source.FeedError is { } error) late.Add($"{source.Source}: the feed cannot be read ({error})");
        if (source.RefusedEndpoint is { } other) late.Add($"{source.Source}: deliveries for endpoint {other} are refused");
        foreach (var stream in source.Streams)
        {
            if (stream.Unrecoverable is { } range) blocked.Add($"{source.Source}: numbers {range} are missing and cannot be fetched");
            if (stream.Hold is { RetryAt: null } hold)
                blocked.Add($"{source.Source}: blocked at {hold.Seq} ({hold.Reason}: {hold.Detail}){Advice(hold)}");
            if (stream.Hold is { RetryAt: not null } retry) late.Add($"{source.Source}: the handler fails at {retry.Seq}, attempt {retry.Attempts}");
            if (stream.EventHolds is [{ RetryAt: null } first, ..])
                blocked.Add($"{source.Source}: {stream.EventHolds.Count(one => one.RetryAt is null)} event(s) blocked, such as {first.Seq} ({first.Reason}: {first.Detail})");
            else if (stream.EventHolds is [{ } failing, ..])
                late.Add($"{source.Source}: the handler fails at {stream.EventHolds.Count} event(s), such as {failing.Seq}, attempt {failing.Attempts}");
            if (stream.Gaps.Count > 0) late.Add($"{source.Source}: missing {string.Join(", ", stream.Gaps)}");
            if (stream.PauseReason is { } reason) late.Add($"{source.Source}: the sender has paused the endpoint ({reason})");
            if (stream.EmptyInboxSuspected) late.Add($"{source.Source}: the inbox was empty although the endpoint had been delivered to; is it a lost store?");
        }
    }
}
