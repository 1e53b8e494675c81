using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>
/// The loops that every host runs, wherever it runs them: numbering, the node's lease, the hints of other processes, tasks. Each goes on until it is stopped, and
/// none may run twice at a time in one process.
/// </summary>
internal sealed partial class DispatcherLoops
{
    private const int AnyBucket = 1 << WebhookApplications.Buckets;
    private const int AnyOwnBucket = AnyBucket << 1;

    // A node looks after its own buckets; after those of the others it looks this much more seldom, should one have died or see other nodes.
    private const int PollsToOneOfAll = 5;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TasksEvery = TimeSpan.FromSeconds(5);

    // A task that waits for room, or that another process made.
    private static readonly TimeSpan TasksWhileBusy = TimeSpan.FromSeconds(1);

    // A round costs the same for one event as for hundreds. This is nothing for a few, and lets a flood gather into batches worth their while.
    private static readonly TimeSpan PausePerEvent = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(150);
    private static readonly SequencedRound Nothing = new(0, []);

    private readonly DispatcherWork _work;
    private readonly LiveNodes _nodes;
    private readonly WebhookDatabase _database;
    private readonly Wake _wake;
    private readonly TimeProvider _time;
    private readonly WebhookDispatcherOptions _options;
    private readonly ILogger<DispatcherLoops> _logger;
    private readonly Signal _events;
    private readonly Signal _tasks;
    private int _buckets = AnyBucket;

    public DispatcherLoops(
        DispatcherWork work, LiveNodes nodes, WebhookDatabase database, Wake wake, TimeProvider time, IOptions<WebhookDispatcherOptions> options, ILogger<DispatcherLoops> logger)
    {
        (_work, _nodes, _database, _wake, _time, _options, _logger) = (work, nodes, database, wake, time, options.Value, logger);
        _events = new Signal(time);
        _tasks = new Signal(time);
        // What this process has committed it numbers at once, whoever looks after the bucket.
        wake.EventsCommitted += buckets => Announce(buckets is null ? AnyBucket : Mask(buckets));
        wake.EventsAnnounced += buckets => Announce(buckets is null ? AnyOwnBucket : Mask(buckets.Intersect(_nodes.Buckets)));
        work.TasksDue += _tasks.Set;
    }

    public Task SequenceAsync(CancellationToken stop)
    {
        var polled = _time.GetTimestamp();
        var polls = 0;
        return RunAsync("sequencing", async () =>
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

    /// <param name="renewed">Called after each renewal: what was not taken for want of a lease may be now.</param>
    /// <param name="stop">Ends it.</param>
    public Task RenewAsync(Action renewed, CancellationToken stop) => RunAsync("renewal", async () =>
    {
        var rest = await _work.RenewAsync(stop);
        renewed();
        if (rest > TimeSpan.Zero) await Task.Delay(rest, _time, stop);
    }, stop);

    public Task ListenAsync(CancellationToken stop) => RunAsync("listening", async () =>
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Pooling = false, KeepAlive = 30 }.ConnectionString);
        connection.Notification += (_, notification) => _wake.Received(notification.Payload);
        await connection.OpenAsync(stop);
        await using (var listen = new NpgsqlCommand($"LISTEN \"{_database.Channel}\"", connection)) await listen.ExecuteNonQueryAsync(stop);
        _work.MissedHints();
        while (true) await connection.WaitAsync(stop);
    }, stop);

    public Task TasksAsync(CancellationToken stop)
    {
        long? busyUntil = null;
        return RunAsync("tasks", async () =>
        {
            if (await _work.RunTaskAsync(stop))
            {
                busyUntil = _time.GetTimestamp() + (_time.TimestampFrequency * (long)TasksEvery.TotalSeconds);
                return;
            }

            await _tasks.WaitAsync(_time.GetTimestamp() < busyUntil ? TasksWhileBusy : TasksEvery, stop);
        }, stop);
    }

    /// <summary>Does a round again and again; trouble is logged, waited out, and survived.</summary>
    public async Task RunAsync(string loop, Func<Task> round, CancellationToken stop)
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

    private static int Mask(IEnumerable<short> buckets) => buckets.Aggregate(0, (mask, bucket) => mask | (1 << bucket));

    private void Announce(int buckets)
    {
        if (buckets == 0) return;
        Interlocked.Or(ref _buckets, buckets);
        _events.Set();
    }

    [LoggerMessage(1, LogLevel.Error, "Trouble in {Loop}; trying again", EventName = "LoopTrouble")]
    private partial void LogTrouble(Exception exception, string loop);
}
