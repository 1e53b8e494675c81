using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>The host that comes with the dispatcher: a few loops in a background service.</summary>
internal sealed partial class InBoxWorker : BackgroundService
{
    private const int AnyBucket = 1 << WebhookApplications.Buckets;
    private const int AnyOwnBucket = AnyBucket << 1;

    // A node looks after its own buckets; after those of the others it looks this much more seldom, should one have died or see other nodes.
    private const int PollsToOneOfAll = 5;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);

    // A round costs the same for one event as for hundreds. This is nothing for a few, and lets a flood gather into batches worth their while.
    private static readonly TimeSpan PausePerEvent = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);
    private static readonly SequencedRound Nothing = new(0, []);

    private readonly DispatcherWork _work;
    private readonly Pumps _pumps;
    private readonly LiveNodes _nodes;
    private readonly WebhookDatabase _database;
    private readonly Wake _wake;
    private readonly TimeProvider _time;
    private readonly WebhookDispatcherOptions _options;
    private readonly ILogger<InBoxWorker> _logger;
    private readonly Signal _events;
    private readonly Signal _endpoints;
    private readonly CancellationTokenSource _abort = new();
    private int _buckets = AnyBucket;

    public InBoxWorker(
        DispatcherWork work, Pumps pumps, LiveNodes nodes, WebhookDatabase database, Wake wake, TimeProvider time, IOptions<WebhookDispatcherOptions> options,
        ILogger<InBoxWorker> logger)
    {
        (_work, _pumps, _nodes, _database, _wake, _time, _options, _logger) = (work, pumps, nodes, database, wake, time, options.Value, logger);
        _events = new Signal(time);
        _endpoints = new Signal(time);
        // What this process has committed it numbers at once, whoever looks after the bucket.
        wake.EventsCommitted += buckets => Announce(buckets is null ? AnyBucket : Mask(buckets));
        wake.EventsAnnounced += buckets => Announce(buckets is null ? AnyOwnBucket : Mask(buckets.Intersect(_nodes.Buckets)));
        wake.EndpointChanged += endpoint =>
        {
            // It is taken again with what holds now, if it is still to be sent to.
            pumps.Stop(endpoint);
            _endpoints.Set();
        };
        wake.EpochRaised += pumps.Refresh;
        wake.StreamsGrew += endpoints => pumps.MoreAvailable(endpoints);
        work.EndpointsDue += _endpoints.Set;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Requests under way may end, as long as the host is willing to wait; then they are broken off, and sent again by whoever comes next.
        await using var registration = cancellationToken.Register(_abort.Cancel);
        await _work.StopAsync();
    }

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => !_options.RunWorker
        ? Task.CompletedTask
        : Task.WhenAll(
            Task.Run(() => SequenceAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => DeliverAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => RenewAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => MaintainAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => ListenAsync(stoppingToken), CancellationToken.None));

    private static int Mask(IEnumerable<short> buckets) => buckets.Aggregate(0, (mask, bucket) => mask | (1 << bucket));

    private void Announce(int buckets)
    {
        if (buckets == 0) return;
        Interlocked.Or(ref _buckets, buckets);
        _events.Set();
    }

    private Task SequenceAsync(CancellationToken stop)
    {
        var polled = _time.GetTimestamp();
        var polls = 0;
        return LoopAsync("sequencing", async () =>
        {
            var poll = _options.Sequencing.PollInterval;
            var rest = poll - _time.GetElapsedTime(polled);
            await _events.WaitAsync(rest, stop);
            var mask = Interlocked.Exchange(ref _buckets, 0);
            var round = Nothing;
            // Polling is the truth and hints are only faster: however many come, it keeps its beat.
            if (mask >= AnyBucket || _time.GetElapsedTime(polled) >= poll)
            {
                polled = _time.GetTimestamp();
                var all = (mask & AnyBucket) != 0 || ++polls % PollsToOneOfAll == 0;
                round = await _work.SequencePendingAsync(all, stop);
                if (!all) Announce(mask & ~AnyOwnBucket & ~Mask(_nodes.Buckets));
            }
            else if (mask != 0)
            {
                round = await _work.SequenceAsync([.. BucketShare.All.Where(bucket => (mask & (1 << bucket)) != 0)], stop);
            }

            if (round.More.Count > 0)
            {
                Announce(Mask(round.More));
                return;
            }

            var pause = PausePerEvent * round.Events;
            if (pause >= TimeSpan.FromMilliseconds(1)) await Task.Delay(pause < LongestPause ? pause : LongestPause, _time, stop);
        }, stop);
    }

    private Task DeliverAsync(CancellationToken stop) => LoopAsync("delivery", async () =>
    {
        if (await _work.DeliverAsync(stop, _abort.Token) > 0) return;
        // What is left to the others is looked at again soon, should none of them have taken it.
        var poll = _options.Delivery.PollInterval;
        await _endpoints.WaitAsync(poll > Pumps.Courtesy && _work.IsSated ? Pumps.Courtesy : poll, stop);
    }, stop);

    private Task RenewAsync(CancellationToken stop) => LoopAsync("renewal", async () =>
    {
        var rest = await _work.RenewAsync(stop);
        _endpoints.Set();
        if (rest > TimeSpan.Zero) await Task.Delay(rest, _time, stop);
    }, stop);

    private Task MaintainAsync(CancellationToken stop) => LoopAsync("maintenance", async () =>
    {
        await _work.MaintainAsync(stop);
        await Task.Delay(_options.Retention.Interval, _time, stop);
    }, stop);

    private Task ListenAsync(CancellationToken stop) => LoopAsync("listening", async () =>
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Pooling = false, KeepAlive = 30 }.ConnectionString);
        connection.Notification += (_, notification) => _wake.Received(notification.Payload);
        await connection.OpenAsync(stop);
        await using (var listen = new NpgsqlCommand($"LISTEN \"{_database.Channel}\"", connection)) await listen.ExecuteNonQueryAsync(stop);
        // What was announced while nobody listened: events, and changes of endpoints.
        _pumps.Refresh();
        _wake.Received(WakeMessages.Published);
        while (true) await connection.WaitAsync(stop);
    }, stop);

    /// <summary>Does a round again and again; trouble is logged, waited out, and survived.</summary>
    private async Task LoopAsync(string loop, Func<Task> round, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await round();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException) when (stop.IsCancellationRequested)
            {
                // A host whose start fails stops nobody, and disposes of everything.
                return;
            }
            catch (Exception exception)
            {
                LogTrouble(exception, loop);
                Interlocked.Or(ref _buckets, AnyBucket);
                await Task.Delay(AfterTrouble, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Trouble in {Loop}; trying again", EventName = "LoopTrouble")]
    private partial void LogTrouble(Exception exception, string loop);
}
