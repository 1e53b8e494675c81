using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Tasks;

/// <summary>Long work, in steps: each is one transaction with the task's own row in it, so that it goes on where it was whoever goes on with it.</summary>
internal sealed partial class WebhookTasks(WebhookDatabase database, StreamControl control, ILogger<WebhookTasks> logger)
{
    /// <summary>The most unfinished tasks of an application.</summary>
    public const int MaxUnfinished = 10;

    private const int EventsAStep = 1000;
    private const int EndpointsAStep = 50;

    // As many events as may wait beside a stream before a replay adds more: each is a row until it has been sent.
    private const int MaxBeside = 2000;
    private static readonly TimeSpan WhileFull = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(10);

    /// <summary>Raised when a task was made in this process.</summary>
    public event Action? Created;

    /// <summary>Tells that a task was made; once it is committed.</summary>
    public Task AnnounceAsync()
    {
        Created?.Invoke();
        return Task.CompletedTask;
    }

    /// <summary>Makes a task in the caller's transaction, which holds the application's row. Null when it has too many.</summary>
    public async Task<string?> CreateAsync(
        NpgsqlConnection connection, long application, long? endpoint, string kind, long? first, long? last, string? reason, long position, long total, CancellationToken cancel)
    {
        await using (var count = database.Command(connection, "Tasks/count_unfinished", application))
            if ((long)(await count.ExecuteScalarAsync(cancel))! >= MaxUnfinished) return null;
        var id = "task_" + Guid.CreateVersion7().ToString("N");
        await using var create = database.Command(connection, "Tasks/create_task", id, application, endpoint, kind, first, last, reason, position, total);
        await create.ExecuteNonQueryAsync(cancel);
        return id;
    }

    /// <summary>Does one step of the task that is due; false when none is.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        try
        {
            return await database.CommitAsync(connection => StepAsync(connection, cancel), cancel);
        }
        catch (Exception exception) when (!cancel.IsCancellationRequested)
        {
            LogTrouble(exception);
            await using var postpone = database.Command("Tasks/postpone_tasks", AfterTrouble);
            await postpone.ExecuteNonQueryAsync(cancel);
            return true;
        }
    }

    private async Task<Uncommitted<bool>> StepAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (await TakeAsync(connection, cancel) is not { } task) return new(false, () => Task.CompletedTask);
        await ExecuteAsync(connection, "SAVEPOINT step", cancel);
        Uncommitted<TaskStep> done;
        try
        {
            done = task.Kind == "replay" ? await ReplayAsync(connection, task, cancel) : await ResumeAsync(connection, task, cancel);
        }
        catch (Exception refused) when (refused is WebhookValidationException or WebhookNotFoundException)
        {
            await ExecuteAsync(connection, "ROLLBACK TO SAVEPOINT step", cancel);
            await using var fail = database.Command(connection, "Tasks/fail_task", task.Key, refused.Message);
            await fail.ExecuteNonQueryAsync(cancel);
            return new(true, () => Task.CompletedTask);
        }

        await using var move = database.Command(connection, "Tasks/move_task", task.Key, done.Result.Position, done.Result.Done, done.Result.Wait, done.Result.IsAll);
        await move.ExecuteNonQueryAsync(cancel);
        return new(true, done.AfterCommit);
    }

    private async Task<Uncommitted<TaskStep>> ReplayAsync(NpgsqlConnection connection, TaskRow task, CancellationToken cancel)
    {
        await using (var beside = database.Command(connection, "Tasks/count_beside", task.Bucket, task.Endpoint, MaxBeside))
            if ((long)(await beside.ExecuteScalarAsync(cancel))! >= MaxBeside) return new(new TaskStep(task.Position, 0, false, WhileFull), () => Task.CompletedTask);
        var (first, last) = TaskStep.Chunk(task, EventsAStep);
        var asked = await control.ReplayAsync(connection, task.EndpointId!.Value, first, last, cancel);
        return new(new TaskStep(last + 1, last - first + 1, last == task.Last), asked.AfterCommit);
    }

    private async Task<Uncommitted<TaskStep>> ResumeAsync(NpgsqlConnection connection, TaskRow task, CancellationToken cancel)
    {
        var paused = new List<(long Key, WebhookEndpointId Id)>();
        await using (var next = database.Command(connection, "Tasks/next_paused", task.Application, task.Reason, task.Position, task.CreatedAt.ToUniversalTime(), EndpointsAStep))
        await using (var reader = await next.ExecuteReaderAsync(cancel))
            while (await reader.ReadAsync(cancel)) paused.Add((reader.GetInt64(0), WebhookEndpointId.Parse(reader.GetString(1))));
        var after = new List<Func<Task>>();
        foreach (var (_, id) in paused) after.Add((await control.ResumeAsync(connection, id, null, cancel)).AfterCommit);
        return new(
            new TaskStep(paused.Count == 0 ? task.Position : paused[^1].Key, paused.Count, paused.Count < EndpointsAStep),
            async () =>
            {
                foreach (var one in after) await one();
            });
    }

    private async Task<TaskRow?> TakeAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var take = database.Command(connection, "Tasks/take_task");
        await using var reader = await take.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) return null;
        return new TaskRow(
            reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : WebhookEndpointId.Parse(reader.GetString(3)), Long(4),
            reader.IsDBNull(5) ? null : reader.GetInt16(5), Long(6), Long(7), reader.IsDBNull(8) ? null : reader.GetString(8), reader.GetInt64(9), reader.GetFieldValue<DateTimeOffset>(10));

        long? Long(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    [LoggerMessage(1, LogLevel.Error, "A step of a task failed; it is tried again", EventName = "TaskTrouble")]
    private partial void LogTrouble(Exception exception);
}
