using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Epochs;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Sequencing;

/// <summary>What one batch did.</summary>
/// <param name="Epoch">The epoch in which it was done.</param>
/// <param name="Events">Events sequenced.</param>
/// <param name="Deliveries">Numbers given.</param>
/// <param name="Grown">The streams that grew, and by what.</param>
/// <param name="More">Whether more was visible than the batch took.</param>
internal sealed record SequencedBatch(int Epoch, int Events, int Deliveries, IReadOnlyDictionary<long, Growth> Grown, bool More)
{
    public static readonly SequencedBatch Nothing = new(0, 0, 0, new Dictionary<long, Growth>(), false);

    /// <summary>Nothing yet: the epoch had to be raised first.</summary>
    public static readonly SequencedBatch AfterRaise = Nothing with { More = true };
}

/// <summary>
/// Numbers what was published, per endpoint and without a hole (promise 2). Events are taken in the order of their positions, as far as
/// committed, each matched with the endpoints in force at its place, once.
/// </summary>
internal sealed class Sequencer(WebhookDatabase database, EpochGuard epochs, FreshEvents fresh, IOptions<WebhookDispatcherOptions> options, DispatcherMetrics metrics)
{
    private const int BatchesKept = 100;
    private const int ApplicationsKept = 5000;
    private const int PruneAfterKeys = 1000;

    /// <summary>
    /// How long the server waits for the next statement. A process that is suspended here holds the bucket's lock: who takes over, when its lease is over, must find it free.
    /// </summary>
    private readonly string _patience = string.Create(
        CultureInfo.InvariantCulture,
        $"SET LOCAL idle_in_transaction_session_timeout = {Math.Clamp(options.Value.Delivery.LeaseDuration.TotalMilliseconds / 2, 2000, 15_000):F0}");

    private readonly BucketMemory[] _memory = Enumerable.Range(0, WebhookApplications.Buckets).Select(_ => new BucketMemory()).ToArray();

    /// <summary>Those of these buckets that have something pending.</summary>
    public async Task<List<short>> FindPendingAsync(IReadOnlyCollection<short> buckets, CancellationToken cancel)
    {
        var pending = new List<short>();
        await using var command = database.Command("Sequencing/find_pending", buckets.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) pending.Add(reader.GetInt16(0));
        return pending;
    }

    /// <summary>Sequences one batch of a bucket. Not to be called twice at a time for the same bucket in one process.</summary>
    public async Task<SequencedBatch> RunOnceAsync(short bucket, CancellationToken cancel)
    {
        var memory = _memory[bucket];
        var committed = false;
        try
        {
            await using var connection = await database.OpenAsync(cancel);
            var (epoch, read) = await ReadAsync(connection, bucket, cancel);
            if (read is null)
            {
                await RollbackAsync(connection, cancel);
                await epochs.CheckAsync(connection, cancel);
                return SequencedBatch.AfterRaise;
            }

            if (read.Pending.Count == 0)
            {
                await RollbackAsync(connection, cancel);
                committed = true;
                return SequencedBatch.Nothing;
            }

            using var activity = DispatcherDiagnostics.Source.StartActivity("webhooks.sequence");
            activity?.SetTag("webhooks.events", read.Pending.Count);
            if (memory.Batch != read.Batch || memory.Mark != read.State.Mark || memory.Epoch != epoch || memory.Directory.Count > ApplicationsKept) memory.Directory.Clear();
            // A place may have been another event's in a database that has lost commits since.
            if (memory.Epoch != epoch) fresh.Forget();
            await LoadStreamsAsync(connection, bucket, read, memory.Directory, cancel);
            var duplicates = await JudgeDuplicatesAsync(connection, bucket, read, cancel);
            var plan = await PlanAsync(connection, bucket, read, duplicates, memory.Directory, cancel);
            var complete = read.Pending.Count < options.Value.Sequencing.BatchSize;
            var state = read.State.Advance(read.Pending.ConvertAll(pending => pending.Position), complete, read.Xmin, read.Horizon);
            memory.KeyedSincePrune += read.Pending.Count(pending => pending is PendingEvent { Key: not null });
            await WriteAsync(connection, bucket, read.Batch + 1, state, plan, duplicates, memory, cancel);

            (memory.Batch, memory.Mark, memory.Epoch) = (read.Batch + 1, state.Mark, epoch);
            committed = true;
            var events = read.Pending.Count(pending => pending is PendingEvent);
            metrics.Sequenced(events, plan.Numbers, plan.Unmatched.Count, duplicates.Count);
            return new SequencedBatch(epoch, events, plan.Numbers, plan.Grown, !complete);
        }
        finally
        {
            // The directory ran ahead of what was committed.
            if (!committed) memory.Forget();
        }
    }

    /// <summary>Null instead of a batch when the database is not the one that is recorded: its streams need a new epoch before they grow.</summary>
    private async Task<(int Epoch, BatchRead? Read)> ReadAsync(NpgsqlConnection connection, short bucket, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                WebhookDatabase.Literal(_patience),
                database.Step("Sequencing/lock_bucket", bucket),
                // Under the bucket's lock, without which nobody raises an epoch: what is compared here holds until the commit.
                database.Step("Epochs/read_standing"),
                database.Step("Sequencing/read_batch", bucket, options.Value.Sequencing.BatchSize),
            },
        };
        var seen = epochs.Seen;
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        await reader.NextResultAsync(cancel);
        await reader.ReadAsync(cancel);
        var standing = DatabaseStanding.Read(reader);
        if (standing.Compare(null, seen) is not IdentityChange.None) return (standing.Epoch, null);
        epochs.Note(standing);
        await reader.NextResultAsync(cancel);
        return (standing.Epoch, await BatchRead.ReadAsync(reader, options.Value.Sequencing.BatchSize, cancel)
            ?? throw new InvalidOperationException($"Bucket {bucket} has no state; the schema was not set up by the migrations."));
    }

    private async Task LoadStreamsAsync(
        NpgsqlConnection connection, short bucket, BatchRead read, StreamDirectory directory, CancellationToken cancel)
    {
        var missing = read.Pending.Select(pending => pending.Application).Where(application => !directory.Has(application)).Distinct().ToArray();
        if (missing.Length == 0) return;
        var streams = missing.ToDictionary(application => application, _ => new List<SequencedStream>());
        await using (var command = database.Command(connection, "Sequencing/read_streams", bucket, missing))
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            while (await reader.ReadAsync(cancel))
                streams[reader.GetInt64(0)].Add(new SequencedStream(reader.GetInt64(1), reader.GetFieldValue<string[]>(2), reader.GetInt64(3)));
        }

        foreach (var (application, known) in streams) directory.Load(application, known);
    }

    /// <summary>The positions of the events that came too late with their dedupe key.</summary>
    private async Task<List<PendingEvent>> JudgeDuplicatesAsync(
        NpgsqlConnection connection, short bucket, BatchRead read, CancellationToken cancel)
    {
        var keyed = read.Pending.OfType<PendingEvent>().Where(pending => pending.Key is not null).ToList();
        if (keyed.Count == 0) return [];
        var firsts = keyed.DistinctBy(pending => (pending.Application, pending.Key!.Value)).ToList();
        var winners = new HashSet<long>();
        await using var command = database.Command(
            connection, "Sequencing/judge_duplicates", bucket,
            firsts.Select(pending => pending.Application).ToArray(), firsts.Select(pending => pending.Key!.Value).ToArray(),
            firsts.Select(pending => pending.Position).ToArray(), firsts.Select(pending => pending.Key!.PublishedAt).ToArray(),
            options.Value.Sequencing.DedupeWindow);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) winners.Add(reader.GetInt64(0));
        return keyed.FindAll(pending => !winners.Contains(pending.Position));
    }

    private async Task<BatchPlan> PlanAsync(
        NpgsqlConnection connection, short bucket, BatchRead read, List<PendingEvent> duplicates, StreamDirectory directory, CancellationToken cancel)
    {
        var plan = new BatchPlan(read.Period, read.State.Mark);
        var dropped = duplicates.Select(pending => pending.Position).ToHashSet();
        foreach (var pending in read.Pending)
        {
            if (pending is PendingEvent published)
            {
                if (!dropped.Contains(published.Position)) plan.Take(published, directory);
            }
            else if (pending is PendingChange change && plan.Take(change, directory) is { } stream)
            {
                await AppendHistoryAsync(connection, bucket, read, change, stream, dropped, plan, cancel);
            }
        }

        return plan;
    }

    private async Task AppendHistoryAsync(
        NpgsqlConnection connection, short bucket, BatchRead read, PendingChange change, SequencedStream stream, HashSet<long> dropped,
        BatchPlan plan, CancellationToken cancel)
    {
        // All that was sequenced so far, even above a marker that was committed late, and what stands before it in this batch. What else is visible
        // by now was not in this batch's snapshot, and comes in a later batch, behind the marker: not here too.
        var inBatch = read.Pending.Select(pending => pending.Position).ToHashSet();
        await using var command = database.Command(
            connection, "Sequencing/read_history", bucket, change.Application, change.Since!.Value, Math.Max(change.Position, read.State.Mark));
        // However long the history: given up half-way, it would be begun again, and the bucket never get past it.
        command.CommandTimeout = 0;
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var position = reader.GetInt64(0);
            if (dropped.Contains(position) || !(inBatch.Contains(position) ? position < change.Position : read.State.Covers(position))) continue;
            if (Endpoints.EventTypePattern.MatchesAny(change.EventTypes, reader.GetString(1))) plan.Append(stream, position, late: false);
        }
    }

    private async Task WriteAsync(
        NpgsqlConnection connection, short bucket, long batchNumber, GapSet state, BatchPlan plan, List<PendingEvent> duplicates,
        BucketMemory memory, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = plan.HasHistory ? 0 : connection.CommandTimeout };
        var steps = batch.BatchCommands;
        if (plan.Numbers > 0)
        {
            var runs = DeliveryRuns.Of(plan.Grown, plan.Mark);
            steps.Add(database.Step("Sequencing/write_deliveries", bucket, runs.Endpoints.ToArray(), runs.Seqs.ToArray(), runs.Starts.ToArray(),
                runs.Counts.ToArray(), runs.Positions.ToArray(), plan.Period, plan.Mark));
            steps.Add(database.Step("Delivery/make_due", plan.Grown.Keys.Order().ToArray()));
        }

        // After the delivery states, in the order in which retention locks them, too.
        foreach (var change in plan.Changes)
            steps.Add(database.Step("Sequencing/write_change", change.Endpoint, change.EventTypes, !change.Deleted));

        if (plan.Reaches.Count > 0)
        {
            steps.Add(database.Step("Sequencing/write_reaches", bucket, plan.Reaches.Keys.Select(key => key.Endpoint).ToArray(),
                plan.Reaches.Keys.Select(key => key.EventPeriod).ToArray(), plan.Reaches.Values.Select(reach => reach.LastSeq).ToArray(),
                plan.Reaches.Values.Select(reach => reach.Late).ToArray()));
        }

        if (plan.Unmatched.Count > 0) steps.Add(database.Step("Sequencing/write_unmatched", bucket, plan.Unmatched.ToArray()));
        if (duplicates.Count > 0)
        {
            steps.Add(database.Step("Sequencing/write_duplicates", bucket, duplicates.ConvertAll(pending => pending.Position).ToArray(),
                duplicates.ConvertAll(pending => pending.Application).ToArray(), duplicates.ConvertAll(pending => pending.Key!.Value).ToArray()));
        }

        steps.Add(database.Step("Sequencing/write_batch", bucket, batchNumber, state.Mark, state.Gaps.Select(gap => gap.First).ToArray(),
            state.Gaps.Select(gap => gap.Last).ToArray(), state.Gaps.Select(gap => gap.Horizon).ToArray()));
        if (batchNumber % BatchesKept == 0) steps.Add(database.Step("Sequencing/prune_batches", bucket, batchNumber));
        // Twice as many may go as came, so that what is too old is caught up with under any load.
        if (memory.KeyedSincePrune >= PruneAfterKeys)
        {
            steps.Add(database.Step("Sequencing/prune_dedupe", bucket, options.Value.Sequencing.DedupeWindow, memory.KeyedSincePrune * 2));
            memory.KeyedSincePrune = 0;
        }

        // Synchronous whatever the database's default: a seq that a receiver has seen must never be given to another event.
        steps.Insert(0, WebhookDatabase.Literal("SET LOCAL synchronous_commit = on"));
        steps.Add(WebhookDatabase.Literal("COMMIT"));
        await batch.ExecuteNonQueryAsync(cancel);
    }

    private static async Task RollbackAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var rollback = new NpgsqlCommand("ROLLBACK", connection);
        await rollback.ExecuteNonQueryAsync(cancel);
    }

    private sealed class BucketMemory
    {
        public long Batch { get; set; } = -1;

        // Of a database that was put back unnoticed, another node may have numbered a batch of the same number.
        public long Mark { get; set; }

        // A database that lost batches gives their numbers again, and another node may have used them up.
        public int Epoch { get; set; }

        public StreamDirectory Directory { get; } = new();

        public int KeyedSincePrune { get; set; }

        public void Forget()
        {
            Batch = -1;
            Directory.Clear();
        }
    }
}
