using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>The host that comes with the dispatcher: a few loops in a background service.</summary>
internal sealed partial class InBoxWorker : BackgroundService
{
    private const int AnyBucket = 1 << WebhookApplications.Buckets;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);

    // A round costs the same for one event as for hundreds. This is nothing for a few, and lets a flood gather into batches worth their while.
    private static readonly TimeSpan PausePerEvent = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);
    private static readonly SequencedRound Nothing = new(0, []);

    private readonly DispatcherWork _work;
    private readonly Pumps _pumps;
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
        DispatcherWork work, Pumps pumps, WebhookDatabase database, Wake wake, TimeProvider time, IOptions<WebhookDispatcherOptions> options,
        ILogger<InBoxWorker> logger)
    {
        (_work, _pumps, _database, _wake, _time, _options, _logger) = (work, pumps, database, wake, time, options.Value, logger);
        _events = new Signal(time);
        _endpoints = new Signal(time);
        wake.EventsCommitted += Announce;
        wake.EndpointChanged += endpoint =>
        {
            // It is taken again with what holds now, if it is still to be sent to.
            pumps.Stop(endpoint);
            _endpoints.Set();
        };
        wake.StreamsGrew += endpoints => pumps.MoreAvailable(endpoints);
        pumps.HandedBack += _endpoints.Set;
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
            Task.Run(() => MaintainAsync(stoppingToken), CancellationToken.None),
            Task.Run(() => ListenAsync(stoppingToken), CancellationToken.None));

    private void Announce(IReadOnlyCollection<short>? buckets)
    {
        Interlocked.Or(ref _buckets, buckets is null ? AnyBucket : buckets.Aggregate(0, (mask, bucket) => mask | (1 << bucket)));
        _events.Set();
    }

    private Task SequenceAsync(CancellationToken stop)
    {
        var polled = _time.GetTimestamp();
        return LoopAsync("sequencing", async () =>
        {
            var poll = _options.Sequencing.PollInterval;
            var rest = poll - _time.GetElapsedTime(polled);
            await _events.WaitAsync(rest, stop);
            var mask = Interlocked.Exchange(ref _buckets, 0);
            var round = Nothing;
            // Polling is the truth and hints are only faster: however many come, it keeps its beat.
            if ((mask & AnyBucket) != 0 || _time.GetElapsedTime(polled) >= poll)
            {
                polled = _time.GetTimestamp();
                round = await _work.SequenceAsync(null, stop);
            }
            else if (mask != 0)
            {
                round = await _work.SequenceAsync([.. Enumerable.Range(0, WebhookApplications.Buckets).Where(b => (mask & (1 << b)) != 0).Select(b => (short)b)], stop);
            }

            if (round.More.Count > 0)
            {
                Announce(round.More);
                return;
            }

            var pause = PausePerEvent * round.Events;
            if (pause >= TimeSpan.FromMilliseconds(1)) await Task.Delay(pause < LongestPause ? pause : LongestPause, _time, stop);
        }, stop);
    }

    private Task DeliverAsync(CancellationToken stop)
    {
        var renewEvery = _options.Delivery.LeaseDuration / 3;
        var renewed = _time.GetTimestamp() - (long)(renewEvery.TotalSeconds * _time.TimestampFrequency);
        return LoopAsync("delivery", async () =>
        {
            if (_time.GetElapsedTime(renewed) >= renewEvery)
            {
                renewed = _time.GetTimestamp();
                await _work.RenewAsync(stop);
            }

            if (await _work.DeliverAsync(stop, _abort.Token) == 0)
                await _endpoints.WaitAsync(_options.Delivery.PollInterval, stop);
        }, stop);
    }

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
