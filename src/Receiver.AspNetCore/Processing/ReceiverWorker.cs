using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>Runs pump and backfill of every source: the loops that wait, log and survive.</summary>
internal sealed partial class ReceiverWorker(
    ReceiverRegistry registry, IServiceScopeFactory scopes, IHttpClientFactory clients, ReceiverMetrics metrics,
    ILoggerFactory loggers, IEnumerable<SourceRegistration> registrations, ILogger<ReceiverWorker> logger) : BackgroundService
{
    private const string Leading = "leading";
    private static readonly TimeSpan PauseAfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(10);

    /// <summary>Every delivery wakes the backfill, and what it looks for may be seconds late: under load one turn does for many.</summary>
    private static readonly TimeSpan BackfillRest = TimeSpan.FromMilliseconds(10);

    /// <summary>While the stream waits for a missing number, or for somebody, every delivery wakes the pump for nothing.</summary>
    private static readonly TimeSpan PumpRest = TimeSpan.FromMilliseconds(1);

    /// <summary>Reads the options of every source first: a wrong one stops the start, with a message that names the key.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var source in registry.All)
        {
            _ = source.Settings.Current;
            if (source.Provided is { } provided) await provided.StartAsync(cancellationToken).ConfigureAwait(false);
        }

        await base.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(registry.All.SelectMany(source => Loops(source, stoppingToken)));

    private IEnumerable<Task> Loops(ReceiverSource source, CancellationToken stopping)
    {
        var pump = new Pump(source, scopes, metrics, new Random(), loggers.CreateLogger<Pump>());
        source.Settings.Changed += () =>
        {
            // New secrets or another policy may be what both have waited for.
            source.RefusedEndpoint = null;
            source.ProbeAsked = true;
            source.Stored.Set();
            source.Missing.Set();
        };
        yield return LoopAsync(source, Leading, null, token => LeadAsync(source, pump, token), stopping);
        yield return LoopAsync(source, "news", null, token => RefreshAsync(source, token), stopping);
        if (source.Provided is { } provided) yield return LoopAsync(source, "secrets", null, provided.RunOnceAsync, stopping);
    }

    /// <summary>Processes a source for as long as this process leads it, and gives the lead back when everything that it did has ended.</summary>
    private async Task<DateTimeOffset?> LeadAsync(ReceiverSource source, Pump pump, CancellationToken stopping)
    {
        var lead = await source.Inbox.LeadAsync(source.Name, stopping).ConfigureAwait(false);
        await using var held = lead.ConfigureAwait(false);
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(stopping, lead.Lost);
        var name = registrations.First(registration => registration.Name == source.Name).FeedClient;
        // Looks at the feed first, whatever the process that led before has seen.
        var backfill = new Backfill(source, new FeedClient(() => clients.CreateClient(name), source.Time), metrics, new Random(), loggers.CreateLogger<Backfill>());
        // This turn lasts as long as the lead does: what kept the last one from it is over now.
        source.Troubles.TryRemove(Leading, out _);
        // What was stored while another process led has given this one no signal.
        source.Stored.Set();
        source.Missing.Set();
        await Task.WhenAll(
            PumpAsync(source, pump, leading.Token),
            LoopAsync(source, "backfill", source.Missing, token => BackfillAsync(backfill, token), leading.Token),
            LoopAsync(source, "pruning", null, token => PruneAsync(source, token), leading.Token)).ConfigureAwait(false);
        return source.Time.GetUtcNow();
    }

    private static async Task<DateTimeOffset?> TurnAsync(Pump pump, CancellationToken stopping)
    {
        var result = await pump.RunOnceAsync(stopping).ConfigureAwait(false);
        if (result is { Settled: 0, WaitUntil: null }) await Task.Delay(PumpRest, TimeProvider.System, stopping).ConfigureAwait(false);
        return result.WaitUntil;
    }

    private static async Task<DateTimeOffset?> BackfillAsync(Backfill backfill, CancellationToken stopping)
    {
        var next = await backfill.RunOnceAsync(stopping).ConfigureAwait(false);
        // It spares the processor, and so is of the machine's time, whatever clock the source has.
        await Task.Delay(BackfillRest, TimeProvider.System, stopping).ConfigureAwait(false);
        return next;
    }

    private async Task PumpAsync(ReceiverSource source, Pump pump, CancellationToken stopping)
    {
        try
        {
            await LoopAsync(source, "processing", source.Stored, token => TurnAsync(pump, token), stopping).ConfigureAwait(false);
        }
        finally
        {
            await pump.EndAsync().ConfigureAwait(false);
        }
    }

    private async Task LoopAsync(ReceiverSource source, string work, Signal? signal, Func<CancellationToken, Task<DateTimeOffset?>> runOnce, CancellationToken stopping)
    {
        using var never = new Signal();
        // The host is not to wait for the first turn.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!stopping.IsCancellationRequested)
        {
            DateTimeOffset? next;
            try
            {
                next = await runOnce(stopping).ConfigureAwait(false);
                source.Troubles.TryRemove(work, out _);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            // Whatever it was, it has been rolled back, and is somebody else's now.
            catch (InboxUnavailableException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            // A loop survives whatever one turn meets; the turn is repeated.
            catch (Exception e)
            {
                LogTrouble(e, source.Name);
                source.Troubles[work] = HandlerRunner.Describe(e);
                next = source.Time.GetUtcNow() + PauseAfterTrouble;
            }

            try
            {
                await (signal ?? never).WaitAsync(next - source.Time.GetUtcNow(), source.Time, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Notices what no signal tells: that another process has stored something, or that the inbox can be written again. Ends when there may be news.
    /// </summary>
    private static async Task<DateTimeOffset?> RefreshAsync(ReceiverSource source, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Listened for before the look, so that nothing falls between the two.
        var news = source.Inbox.WaitForNewsAsync(source.Name, waiting.Token);
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

        await Task.WhenAny(news, Task.Delay(RefreshInterval, source.Time, waiting.Token)).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
        return source.Time.GetUtcNow();
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
