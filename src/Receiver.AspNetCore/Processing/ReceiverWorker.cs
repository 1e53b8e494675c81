using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Runs pump and backfill of every source: the loops that wait, log and survive.</summary>
internal sealed partial class ReceiverWorker(
    ReceiverRegistry registry, IServiceScopeFactory scopes, IHttpClientFactory clients, ReceiverMetrics metrics,
    ILoggerFactory loggers, IEnumerable<SourceRegistration> registrations, ILogger<ReceiverWorker> logger) : BackgroundService
{
    private static readonly TimeSpan PauseAfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(10);

    /// <summary>Reads the options of every source first: a wrong one stops the start, with a message that names the key.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var source in registry.All) _ = source.Settings.Current;
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(registry.All.SelectMany(source => Loops(source, stoppingToken)));

    private IEnumerable<Task> Loops(ReceiverSource source, CancellationToken stopping)
    {
        var pump = new Pump(source, scopes, metrics, new Random(), loggers.CreateLogger<Pump>());
        var name = registrations.First(registration => registration.Name == source.Name).FeedClient;
        var backfill = new Backfill(source, new FeedClient(() => clients.CreateClient(name), source.Time), metrics, new Random(), loggers.CreateLogger<Backfill>());
        source.Settings.Changed += () =>
        {
            // New secrets or another policy may be what both have waited for.
            source.RefusedEndpoint = null;
            source.ProbeAsked = true;
            source.Stored.Set();
            source.Missing.Set();
        };
        yield return LoopAsync(source, source.Stored, async token => (await pump.RunOnceAsync(token).ConfigureAwait(false)).WaitUntil, stopping);
        yield return LoopAsync(source, source.Missing, async token => await backfill.RunOnceAsync(token).ConfigureAwait(false), stopping);
        yield return LoopAsync(source, null, token => RefreshAsync(source, token), stopping);
        yield return LoopAsync(source, null, token => PruneAsync(source, token), stopping);
    }

    private async Task LoopAsync(ReceiverSource source, Signal? signal, Func<CancellationToken, Task<DateTimeOffset?>> runOnce, CancellationToken stopping)
    {
        // The host is not to wait for the first turn.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!stopping.IsCancellationRequested)
        {
            DateTimeOffset? next;
            try
            {
                next = await runOnce(stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            // A loop survives whatever one turn meets; the turn is repeated.
            catch (Exception e)
            {
                LogTrouble(e, source.Name);
                next = source.Time.GetUtcNow() + PauseAfterTrouble;
            }

            try
            {
                var wait = next - source.Time.GetUtcNow();
                if (signal is not null) await signal.WaitAsync(wait, source.Time, stopping).ConfigureAwait(false);
                else await Task.Delay(wait > TimeSpan.Zero ? wait.Value : TimeSpan.Zero, source.Time, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Notices what no signal tells: that another process has stored something, or that the inbox can be written again.</summary>
    private static async Task<DateTimeOffset?> RefreshAsync(ReceiverSource source, CancellationToken cancellationToken)
    {
        if (source.InboxDown)
        {
            // No delivery may come any more, for the sender may have counted our failures and paused. Removing nothing is a write too.
            await source.Inbox.PruneAsync(source.Name, DateTimeOffset.UnixEpoch, cancellationToken).ConfigureAwait(false);
            source.InboxIsBack();
        }

        if (await source.Inbox.RefreshAsync(source.Name, cancellationToken).ConfigureAwait(false))
        {
            source.Stored.Set();
            source.Missing.Set();
        }

        return source.Time.GetUtcNow() + RefreshInterval;
    }

    private static async Task<DateTimeOffset?> PruneAsync(ReceiverSource source, CancellationToken cancellationToken)
    {
        var now = source.Time.GetUtcNow();
        var options = source.Settings.Options;
        await source.Inbox.PruneAsync(source.Name, now - options.Retention, cancellationToken).ConfigureAwait(false);
        await source.Inbox.PruneMarksAsync(source.Name, now - options.IdRetention, cancellationToken).ConfigureAwait(false);
        return now + PruneInterval;
    }

    [LoggerMessage(400, LogLevel.Error, "Webhook source {Source} met trouble and tries again in a moment")]
    private partial void LogTrouble(Exception exception, string source);
}
