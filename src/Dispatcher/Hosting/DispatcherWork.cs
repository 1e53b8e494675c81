using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Hosting;

/// <summary>What one round of sequencing did.</summary>
/// <param name="Events">Events numbered.</param>
/// <param name="More">The buckets that have more pending.</param>
internal sealed record SequencedRound(int Events, IReadOnlyCollection<short> More);

/// <summary>
/// The seam between the dispatcher's work and what schedules it. Each method does what there is to do and returns; a host calls
/// them when hinted and every so often. All may be called late, twice, or from several processes: what must not happen twice is guarded in the database.
/// </summary>
internal sealed class DispatcherWork(Sequencer sequencer, Pumps pumps, FreshEvents fresh, Wake wake, Maintenance maintenance, TimeProvider time)
{
    private const int BucketsAtATime = 8;

    private long _lastRound = time.GetTimestamp();

    /// <summary>Raised when endpoints are due that no pump of this process works on.</summary>
    public event Action? EndpointsDue;

    /// <summary>What the last round of maintenance did here; null before the first.</summary>
    public MaintenanceRound? LastMaintenance { get; private set; }

    /// <summary>When pending events were last looked for with success.</summary>
    public long LastRound => Volatile.Read(ref _lastRound);

    /// <summary>Numbers one batch in each of these buckets; in those that have something pending, when none are named. Not to be called twice at a time in one process.</summary>
    /// <returns>How many events were numbered, and the buckets that have more.</returns>
    public async Task<SequencedRound> SequenceAsync(IReadOnlyCollection<short>? buckets, CancellationToken cancel)
    {
        var events = 0;
        var more = new ConcurrentQueue<short>();
        Exception? trouble = null;
        // Side by side, or the last bucket would wait for the disk as many times as there are buckets before it; the server syncs them together.
        // One batch each, or a backlog in one would keep the others waiting until it is worked off.
        await Parallel.ForEachAsync(
            buckets ?? await sequencer.FindPendingAsync(cancel), new ParallelOptions { MaxDegreeOfParallelism = BucketsAtATime, CancellationToken = cancel },
            async (bucket, token) =>
            {
                try
                {
                    var batch = await SequenceAsync(bucket, token);
                    Interlocked.Add(ref events, batch.Events);
                    if (batch.More) more.Enqueue(bucket);
                }
                catch (Exception exception) when (!cancel.IsCancellationRequested)
                {
                    // What one bucket's applications brought about must not keep the others waiting.
                    Interlocked.CompareExchange(ref trouble, exception, null);
                }
            });
        if (trouble is not null) ExceptionDispatchInfo.Throw(trouble);
        Volatile.Write(ref _lastRound, time.GetTimestamp());
        return new SequencedRound(events, more);
    }

    private async Task<SequencedBatch> SequenceAsync(short bucket, CancellationToken cancel)
    {
        var batch = await sequencer.RunOnceAsync(bucket, cancel);
        var elsewhere = pumps.MoreAvailable(bucket, batch.Grown, fresh);
        if (elsewhere.Count > 0)
        {
            EndpointsDue?.Invoke();
            await wake.GrownAsync(elsewhere, pumps.Owner, cancel);
        }

        return batch;
    }

    /// <summary>Takes endpoints that are due and begins to send to them.</summary>
    /// <returns>How many were taken.</returns>
    public Task<int> DeliverAsync(CancellationToken cancel, CancellationToken abort) => pumps.ClaimAsync(cancel, abort);

    /// <summary>Renews the leases of this process; to be called three times within a lease's duration.</summary>
    public Task RenewAsync(CancellationToken cancel) => pumps.RenewAsync(cancel);

    /// <summary>Makes partitions ahead, drops those that are no longer kept, and gives notice before that; one process at a time, by a lock in the database.</summary>
    public async Task<MaintenanceRound> MaintainAsync(CancellationToken cancel) => LastMaintenance = await maintenance.RunOnceAsync(null, cancel);

    /// <summary>Ends sending: what is under way is finished and settled, and the endpoints are handed back.</summary>
    public Task StopAsync() => pumps.StopAllAsync();
}
