using System.Text.Json;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>What a receiver's wish to resume came to.</summary>
internal sealed record ReceiverResume(ResumeRefusal Refusal, StreamRow Row, long Cursor, IReadOnlyList<(string Outcome, long Events)> Settled);

/// <summary>Reads, pauses and resumes streams.</summary>
internal sealed class StreamControl(WebhookDatabase database, Pumps pumps, Wake wake, Floors floors, EndpointTallies tallies, TimeProvider time, DispatcherMetrics metrics)
{
    /// <summary>The most events of one replay: each is a row until it has been sent.</summary>
    public const int MaxReplay = 10_000;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);

    public async Task<StreamStatus> GetAsync(WebhookEndpointId id, CancellationToken cancel) => (await ReadAsync(id, cancel)).Status;

    public async Task<StreamRow> ReadAsync(WebhookEndpointId id, CancellationToken cancel)
    {
        await using var command = database.Command("Delivery/read_stream", id.Value);
        return await StreamRow.ReadAsync(command, id, cancel) ?? throw Missing(id);
    }

    /// <summary>The same in the caller's transaction.</summary>
    public async Task<StreamRow> ReadAsync(NpgsqlConnection connection, WebhookEndpointId id, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Delivery/read_stream", id.Value);
        return await StreamRow.ReadAsync(command, id, cancel) is { } row && row.Status.Status != EndpointStatus.Deleted ? row : throw Missing(id);
    }

    public Task PauseAsync(WebhookEndpointId id, CancellationToken cancel) => database.CommitAsync(connection => PauseAsync(connection, id, cancel), cancel);

    /// <summary>Pauses in the caller's transaction; what follows the commit ends when no new send can begin. Gives the endpoint's key, as the others do.</summary>
    public async Task<Uncommitted<long>> PauseAsync(NpgsqlConnection connection, WebhookEndpointId id, CancellationToken cancel)
    {
        var row = await ReadAsync(connection, id, cancel);
        await using var command = database.Command(connection, "Delivery/pause", id.Value);
        var isNew = await command.ExecuteNonQueryAsync(cancel) > 0;
        return new(row.Endpoint, async () =>
        {
            if (isNew) metrics.Paused(PauseReason.Manual);
            await wake.EndpointAsync(row.Endpoint, cancel);
            await WaitUntilStoppedAsync(row.Endpoint, cancel);
        });
    }

    public Task ResumeAsync(WebhookEndpointId id, long? after, CancellationToken cancel) =>
        database.CommitAsync(connection => ResumeAsync(connection, id, after, cancel), cancel);

    /// <summary>Resumes in the caller's transaction.</summary>
    public async Task<Uncommitted<long>> ResumeAsync(NpgsqlConnection connection, WebhookEndpointId id, long? after, CancellationToken cancel)
    {
        var row = await LockLiveAsync(connection, id, cancel);
        if (after is { } seq && ResumePlan.Range(row.Status, seq) is var refusal && refusal != ResumeRefusal.None)
        {
            throw new WebhookValidationException(
                "after", $"Must lie between {row.Status.Floor - 1}, below which nothing is kept, and the head, {row.Status.Head}; it is {seq}.");
        }

        // Nothing to lift and nowhere to go: an operator who resumes twice must not make everything in flight be sent again.
        if (row.Status.Status == EndpointStatus.Active && after is null) return new(row.Endpoint, () => Task.CompletedTask);
        var move = ResumePlan.ForOperator(row.Status, after);
        var settled = await WriteResumeAsync(connection, row, move, byReceiver: false, cancel);
        return new(row.Endpoint, () => AfterResumeAsync(row, settled, cancel));
    }

    public Task<int> ReplayAsync(WebhookEndpointId id, long first, long last, CancellationToken cancel) =>
        database.CommitAsync(connection => ReplayAsync(connection, id, first, last, cancel), cancel);

    /// <summary>Has events that were numbered before sent again, beside the stream, as soon as the caller's transaction has committed. Gives how many.</summary>
    public async Task<Uncommitted<int>> ReplayAsync(NpgsqlConnection connection, WebhookEndpointId id, long first, long last, CancellationToken cancel)
    {
        var row = await LockLiveAsync(connection, id, cancel);
        if (ReplayProblem(row.Status, first, last) is { } problem) throw new WebhookValidationException("range", problem);
        await using var command = database.Command(connection, "Delivery/replay", row.Endpoint, row.Bucket, first, last, row.Status.Cursor);
        var asked = (long)(await command.ExecuteScalarAsync(cancel))!;
        return new((int)asked, () => wake.EndpointAsync(row.Endpoint, cancel));
    }

    public Task SkipAsync(WebhookEndpointId id, long seq, CancellationToken cancel) =>
        database.CommitAsync(connection => SkipAsync(connection, id, seq, cancel), cancel);

    /// <summary>Gives up on one event, in the caller's transaction: the one that is next, or one that is retried beside the stream.</summary>
    public async Task<Uncommitted<long>> SkipAsync(NpgsqlConnection connection, WebhookEndpointId id, long seq, CancellationToken cancel)
    {
        var row = await LockLiveAsync(connection, id, cancel);
        List<(string Outcome, long Events)> settled;
        await using (var end = database.Command(connection, "Delivery/end_deferred", row.Bucket, row.Endpoint, seq))
        {
            var isNext = seq == row.Status.Cursor + 1 && seq <= row.Status.Head;
            // One that is retried but that the cursor has not passed yet would be sent anew with the stream.
            var wasRetried = seq <= row.Status.Cursor + 1 && await end.ExecuteScalarAsync(cancel) is not null;
            if (!wasRetried && !isNext)
            {
                throw new WebhookValidationException(
                    "seq", $"Only what is next, after {row.Status.Cursor}, or retried beside the stream can be skipped; {seq} is neither.");
            }

            settled = await MoveAsync(connection, row, new CursorMove(seq, seq, "skipped", isNext ? seq : row.Status.Cursor), cancel);
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    database.Step("Delivery/skip", row.Endpoint),
                    database.Step("Operations/raise", "delivery.skipped", row.Endpoint, "operator", JsonSerializer.Serialize(new { seq })),
                },
            };
            await batch.ExecuteNonQueryAsync(cancel);
        }

        return new(row.Endpoint, () =>
        {
            Count(row, settled);
            return wake.EndpointAsync(row.Endpoint, cancel);
        });
    }

    private static string? ReplayProblem(StreamStatus stream, long first, long last) =>
        first > last ? $"The first, {first}, lies behind the last, {last}."
        : first < stream.Floor || last > stream.Head ? $"Must lie between {stream.Floor}, the lowest kept, and the head, {stream.Head}; it is {first} to {last}."
        : last - first >= MaxReplay ? $"At most {MaxReplay} events at a time; these are {last - first + 1}."
        : null;

    /// <summary>What lies below this seq, at most head + 1, is no longer kept; what of it was not settled is expired.</summary>
    public async Task RaiseFloorAsync(WebhookEndpointId id, long floor, CancellationToken cancel)
    {
        var row = await ReadAsync(id, cancel);
        await using var connection = await database.OpenAsync(cancel);
        await floors.RaiseAsync(connection, [row.Endpoint], [floor], cancel);
    }

    /// <summary>Judges and carries out a receiver's wish in the caller's transaction; call <see cref="AfterResumeAsync"/> when it has committed.</summary>
    public async Task<ReceiverResume?> ResumeForReceiverAsync(NpgsqlConnection connection, WebhookEndpointId id, long after, CancellationToken cancel)
    {
        var row = await LockAsync(connection, id, cancel);
        if (row is null) return null;
        var refusal = ResumePlan.ForReceiver(row, after);
        if (refusal != ResumeRefusal.None) return new ReceiverResume(refusal, row, row.Status.Cursor, []);
        var move = ResumePlan.MoveForReceiver(row, after);
        var settled = await WriteResumeAsync(connection, row, move, byReceiver: true, cancel);
        return new ReceiverResume(refusal, row, move?.Cursor ?? row.Status.Cursor, settled);
    }

    public async Task AfterResumeAsync(StreamRow row, IReadOnlyList<(string Outcome, long Events)> settled, CancellationToken cancel)
    {
        Count(row, settled);
        metrics.Resumed();
        await wake.EndpointAsync(row.Endpoint, cancel);
    }

    /// <summary>Whoever still holds the lease might begin another send: this process says so itself, others show it by giving the lease back.</summary>
    private async Task WaitUntilStoppedAsync(long endpoint, CancellationToken cancel)
    {
        while (true)
        {
            // The lease that was stopped here must be the one that is held: another may just have been taken and not yet begun.
            var stopped = pumps.Stop(endpoint);
            await using var command = database.Command("Delivery/lease_holder", endpoint);
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                if (!await reader.ReadAsync(cancel)) return;
                if (reader.GetGuid(0) == pumps.Owner && reader.GetInt64(1) == stopped) return;
            }

            await Task.Delay(LookAgain, time, cancel);
        }
    }

    private async Task<StreamRow> LockLiveAsync(NpgsqlConnection connection, WebhookEndpointId id, CancellationToken cancel) =>
        await LockAsync(connection, id, cancel) is { } row && row.Status.Status != EndpointStatus.Deleted ? row : throw Missing(id);

    private async Task<StreamRow?> LockAsync(NpgsqlConnection connection, WebhookEndpointId id, CancellationToken cancel)
    {
        await using (var lockState = database.Command(connection, "Delivery/lock_state", id.Value))
            await lockState.ExecuteNonQueryAsync(cancel);
        await using var command = database.Command(connection, "Delivery/read_stream", id.Value);
        return await StreamRow.ReadAsync(command, id, cancel);
    }

    /// <summary>Moves the cursor, and tells what that settled.</summary>
    private async Task<List<(string Outcome, long Events)>> MoveAsync(NpgsqlConnection connection, StreamRow row, CursorMove move, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Delivery/move_cursor", row.Endpoint, row.Bucket, move.First, move.Last, move.Outcome, move.Cursor);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var settled = new List<(string, long)>();
        while (await reader.ReadAsync(cancel)) settled.Add((reader.GetString(0), reader.GetInt64(1)));
        return settled;
    }

    /// <summary>Once it has committed.</summary>
    private void Count(StreamRow row, IReadOnlyList<(string Outcome, long Events)> settled)
    {
        foreach (var (outcome, events) in settled) tallies.Settled(row.Endpoint, outcome, events);
    }

    private async Task<List<(string Outcome, long Events)>> WriteResumeAsync(
        NpgsqlConnection connection, StreamRow row, CursorMove? move, bool byReceiver, CancellationToken cancel)
    {
        var resumes = byReceiver ? row.ReceiverResumes + 1 : 0;
        var settled = move is null ? [] : await MoveAsync(connection, row, move, cancel);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(database.Step(
            "Delivery/resume", row.Endpoint, byReceiver, resumes, byReceiver ? ResumePlan.Backoff(resumes) : TimeSpan.Zero));
        batch.BatchCommands.Add(database.Step(
            "Operations/raise", "endpoint.resumed", row.Endpoint, byReceiver ? "receiver" : "operator",
            JsonSerializer.Serialize(new { was = row.Status.PauseReason?.Word(), cursor = move?.Cursor ?? row.Status.Cursor })));
        await batch.ExecuteNonQueryAsync(cancel);
        return settled;
    }

    private static WebhookNotFoundException Missing(WebhookEndpointId id) => new($"There is no endpoint {id}.");
}
