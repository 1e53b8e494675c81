using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Diagnostics;

/// <summary>Whether this process can reach its database, does its rounds, and has a clock that agrees with the database's.</summary>
internal sealed class DispatcherHealthCheck(
    WebhookDatabase database, DispatcherWork work, DatabaseClock clock, EgressWatch egress, TimeProvider time, IOptions<WebhookDispatcherOptions> options) : IHealthCheck
{
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(30);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object> { ["clock_offset_seconds"] = clock.Offset.TotalSeconds, ["egress_suspect"] = egress.IsSuspect };
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
        }
        catch (NpgsqlException exception)
        {
            return HealthCheckResult.Unhealthy("The database cannot be reached; events are held in it until it can.", exception, data);
        }

        if (work.LastMaintenance?.Waiting is { } waiting) data["retention_waits_for"] = waiting;
        if (options.Value.RunWorker)
        {
            var since = time.GetElapsedTime(work.LastRound);
            data["seconds_since_last_round"] = since.TotalSeconds;
            if (since > TimeSpan.FromSeconds(30) + options.Value.Sequencing.PollInterval)
                return HealthCheckResult.Unhealthy($"The dispatcher has not looked for events for {since.TotalSeconds:F0} s.", data: data);
        }

        if (egress.IsSuspect)
            return HealthCheckResult.Degraded("Most endpoints cannot be reached: this node's network is suspected, and no endpoint is paused for it.", data: data);

        return clock.Offset.Duration() > ClockTolerance
            ? HealthCheckResult.Degraded($"This machine's clock is {clock.Offset.TotalSeconds:F0} s off the database's.", data: data)
            : HealthCheckResult.Healthy(data: data);
    }
}
