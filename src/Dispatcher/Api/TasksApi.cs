using System.Text.Json;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Tasks;

namespace Webhooks.Dispatcher.Api;

/// <summary>Long work: replaying a range of a stream, resuming all paused endpoints of an application. It is asked for here, goes on whatever ends meanwhile, and can be looked at and cancelled.</summary>
internal sealed class TasksApi(WebhookDatabase database, EndpointRecords records, StreamControl control, WebhookTasks tasks) : IApiResource
{
    private const string Tag = "Tasks";
    private static readonly TimeSpan RetryTooMany = TimeSpan.FromSeconds(10);
    private static readonly string[] Reasons = ["gone", "failing", "manual"];

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/endpoints/{endpoint}/replay", WebhookApiScopes.EndpointsWrite, "Send events again that were numbered before, beside the stream and with the same id and seq", ReplayAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 202, Answer = ApiJson.Default.TaskAnswer,
            Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed, ApiProblem.TooManyTasks],
            Body = """
                {"type":"object","additionalProperties":false,"required":["first","last"],"properties":{
                "first":{"type":"integer","minimum":1},"last":{"type":"integer","minimum":1}}}
                """,
            Example = """{"first":40,"last":42}""",
        },
        new("POST", "/applications/{application}/resume", WebhookApiScopes.EndpointsWrite, "Resume the paused endpoints of an application, or those that are paused for one reason", ResumeAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Success = 202, Answer = ApiJson.Default.TaskAnswer,
            Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed, ApiProblem.TooManyTasks],
            BodyIsOptional = true,
            Body = """{"type":"object","additionalProperties":false,"properties":{"reason":{"type":["string","null"],"enum":["gone","failing","manual",null],"description":"Default: any."}}}""",
            Example = """{"reason":"failing"}""",
        },
        new("GET", "/applications/{application}/tasks", WebhookApiScopes.EndpointsRead, "List the tasks of an application, newest first", ListAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListTaskAnswer, Query = ApiCursor.Parameters, Problems = [ApiProblem.NotFound],
        },
        new("GET", "/tasks/{task}", WebhookApiScopes.EndpointsRead, "Read a task: what it is to do, and how far it is", ReadAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.TaskAnswer, Problems = [ApiProblem.NotFound],
        },
        new("POST", "/tasks/{task}/cancel", WebhookApiScopes.EndpointsWrite, "Cancel a task; what it has done stays done, and one that has ended stays as it ended", CancelAsync)
        {
            Tag = Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.TaskAnswer, Problems = [ApiProblem.NotFound],
        },
    ];

    private async Task<ApiResult> ReplayAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var first = call.Fields.Number("first", 1, long.MaxValue, required: true) ?? 0;
        var last = call.Fields.Number("last", 1, long.MaxValue, required: true) ?? 0;
        call.Fields.Done();
        var stream = (await control.ReadAsync(call.Connection, seen.Id, call.Cancel)).Status;
        if (first > last || first < stream.Floor || last > stream.Head)
            throw new WebhookValidationException("range", $"Must lie between {stream.Floor}, the lowest kept, and the head, {stream.Head}; it is {first} to {last}.");
        call.Note("endpoint.replayed", seen.Id.Value, JsonSerializer.Serialize(new { first, last }));
        return await CreateAsync(call, seen.Application, seen.Key, "replay", first, last, null, first, last - first + 1);
    }

    private async Task<ApiResult> ResumeAsync(ApiCall call)
    {
        if (call.Caller.Endpoint is not null) throw ApiException.Of(ApiProblem.Forbidden, "key", "A key that is bound to an endpoint resumes no others.");
        var application = await records.SeeApplicationAsync(call);
        var reason = call.Fields.Text("reason");
        if (reason is not null && !Reasons.Contains(reason)) call.Fields.Wrong<string>("reason", $"Must be one of {string.Join(", ", Reasons)}, or be left out.");
        call.Fields.Done();
        await using var count = database.Command(call.Connection, "Tasks/count_paused", application, reason);
        var total = (long)(await count.ExecuteScalarAsync(call.Cancel))!;
        call.Note("application.resumed", call.Path("application"), JsonSerializer.Serialize(new { reason, total }));
        return await CreateAsync(call, application, null, "resume", null, null, reason, 0, total);
    }

    private async Task<ApiResult> CreateAsync(
        ApiCall call, long application, long? endpoint, string kind, long? first, long? last, string? reason, long position, long total)
    {
        await using (var hold = database.Command(call.Connection, "Api/lock_application", application))
            await hold.ExecuteNonQueryAsync(call.Cancel);
        var id = await tasks.CreateAsync(call.Connection, application, endpoint, kind, first, last, reason, position, total, call.Cancel)
            ?? throw new ApiException(ApiProblem.TooManyTasks, $"The application has {WebhookTasks.MaxUnfinished} tasks that have not ended.") { RetryAfter = RetryTooMany };
        call.AfterCommit(tasks.AnnounceAsync);
        await using var command = database.Command(call.Connection, "Api/read_task", id, call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint);
        return await OneAsync(command, 202, call.Cancel);
    }

    private async Task<ApiResult> ReadAsync(ApiCall call)
    {
        await using var command = database.Command("Api/read_task", call.Path("task"), call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint);
        return await OneAsync(command, 200, call.Cancel);
    }

    private async Task<ApiResult> CancelAsync(ApiCall call)
    {
        await using (var cancel = database.Command(
            call.Connection, "Api/cancel_task", call.Path("task"), call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint))
            if (await cancel.ExecuteNonQueryAsync(call.Cancel) > 0) call.Note("task.cancelled", call.Path("task"));
        await using var command = database.Command(call.Connection, "Api/read_task", call.Path("task"), call.Caller.Organization, call.Caller.Application, call.Caller.Endpoint);
        return await OneAsync(command, 200, call.Cancel);
    }

    private async Task<ApiResult> ListAsync(ApiCall call)
    {
        var (cursor, limit) = (ApiCursor.Of(call), ApiCursor.LimitOf(call));
        var application = await records.SeeApplicationAsync(call);
        await using var command = database.Command(cursor.Back ? "Api/list_newer_tasks" : "Api/list_tasks", application, call.Caller.Endpoint, cursor.Key, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, TaskAnswer)>();
        while (await reader.ReadAsync(call.Cancel)) found.Add((reader.GetInt64(0), Read(reader)));
        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListTaskAnswer);
    }

    private static async Task<ApiResult> OneAsync(NpgsqlCommand command, int status, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            ? ApiResult.Of(Read(reader), ApiJson.Default.TaskAnswer, status)
            : throw new ApiException(ApiProblem.NotFound, "There is no such task.");
    }

    private static TaskAnswer Read(NpgsqlDataReader row) => new(
        row.GetString(1), row.GetString(2), row.GetString(3), Text(row, 4), Number(row, 5), Number(row, 6), Text(row, 7), row.GetString(8), row.GetInt64(9), row.GetInt64(10), Text(row, 11),
        row.GetFieldValue<DateTimeOffset>(12), row.IsDBNull(13) ? null : row.GetFieldValue<DateTimeOffset>(13));

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static long? Number(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
}

/// <summary>A task as it is answered. <c>Done</c> of <c>Total</c>: numbers that were handed on to be sent again, or endpoints resumed.</summary>
internal sealed record TaskAnswer(
    string Id, string Kind, string Application, string? Endpoint, long? First, long? Last, string? Reason, string Status, long Done, long Total, string? Error,
    DateTimeOffset CreatedAt, DateTimeOffset? EndedAt);
