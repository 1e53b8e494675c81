using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>One request that is authenticated and allowed, on its way through a route's handler.</summary>
internal sealed class ApiCall(HttpContext http, ApiRoute route, ApiCaller caller, string requestId, JsonDocument? body)
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK";

    private readonly List<Func<Task>> _afterCommit = [];

    public HttpContext Http => http;

    public ApiRoute Route => route;

    public ApiCaller Caller => caller;

    public string RequestId => requestId;

    /// <summary>The caller's patience. Not for what is being committed.</summary>
    public CancellationToken Cancel => http.RequestAborted;

    /// <summary>The connection of the call's transaction; only where the route writes.</summary>
    public NpgsqlConnection Connection => Transaction.Connection!;

    /// <summary>The call's transaction; only where the route writes.</summary>
    public NpgsqlTransaction Transaction
    {
        get => field ?? throw new InvalidOperationException($"{route.Method} {route.Pattern} does not write.");
        private set;
    }

    /// <summary>Whether it has a transaction: where the route writes, and for some routes only with an Idempotency-Key.</summary>
    public bool IsInTransaction { get; private set; }

    /// <summary>What the audit log says of it; nothing is written without.</summary>
    public ApiAudit? Audit { get; private set; }

    /// <summary>The body's members.</summary>
    public ApiFields Fields => field ??= new ApiFields(Root);

    /// <summary>The body: an object.</summary>
    public JsonElement Root => body?.RootElement ?? throw new InvalidOperationException($"{route.Method} {route.Pattern} has no body.");

    /// <summary>A part of the path.</summary>
    public string Path(string name) => (string)http.Request.RouteValues[name]!;

    /// <summary>A query parameter that is there once.</summary>
    /// <exception cref="ApiException">It is there twice, or no database takes it.</exception>
    public string? Query(string name) => http.Request.Query[name] switch
    {
        { Count: 0 } => null,
        { Count: 1 } values when values[0]?.Contains('\0', StringComparison.Ordinal) != true => values[0],
        { Count: 1 } => throw ApiException.Of(ApiProblem.MalformedRequest, name, $"{name} must not have U+0000 in it."),
        _ => throw ApiException.Of(ApiProblem.MalformedRequest, name, $"{name} must be there once."),
    };

    /// <summary>A whole number as a query parameter.</summary>
    /// <exception cref="ApiException">It is none, or out of range.</exception>
    public long? QueryNumber(string name, long least, long most)
    {
        if (Query(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw ApiException.Of(ApiProblem.MalformedRequest, name, string.Create(CultureInfo.InvariantCulture, $"{name} must be a whole number from {least} to {most}."));
    }

    /// <summary>A time as a query parameter, in UTC.</summary>
    /// <exception cref="ApiException">It is none.</exception>
    public DateTimeOffset? QueryTime(string name)
    {
        if (Query(name) is not { } text) return null;
        return DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            && ApiFields.IsUsable(time)
            ? time
            : throw ApiException.Of(ApiProblem.MalformedRequest, name, $"{name} must be a time such as 2026-11-21T03:00:00Z.");
    }

    /// <summary>Refuses query parameters that the route does not have: they were meant to do something.</summary>
    public void CheckQuery()
    {
        foreach (var name in http.Request.Query.Keys)
            if (!route.Query.Any(parameter => parameter.Name == name)) throw ApiException.Of(ApiProblem.MalformedRequest, name, $"{name} is not a parameter of this request.");
    }

    /// <summary>Writes a row of the audit log when the call succeeds.</summary>
    /// <param name="action">What was done, such as <c>endpoint.created</c>.</param>
    /// <param name="target">To what: its id.</param>
    /// <param name="details">A JSON object; never with a secret, a key or an event's data.</param>
    /// <param name="application">Whose it is: the id of an application, if neither the path nor the target tells.</param>
    public void Note(string action, string target, string details = "{}", string? application = null) =>
        Audit = new ApiAudit(action, target, details, application ?? http.Request.RouteValues["application"] as string);

    /// <summary>Hints that are given when what they announce has been committed.</summary>
    public void AfterCommit(Func<Task> hint) => _afterCommit.Add(hint);

    /// <summary>Takes what was done in the call's transaction, and keeps what is to follow the commit.</summary>
    public T After<T>(Uncommitted<T> done)
    {
        _afterCommit.Add(done.AfterCommit);
        return done.Result;
    }

    public void Begin(NpgsqlTransaction transaction) => (Transaction, IsInTransaction) = (transaction, true);

    public async Task CommittedAsync()
    {
        foreach (var hint in _afterCommit) await hint();
    }
}

/// <summary>A row of the audit log.</summary>
/// <param name="Action">What was done, such as <c>endpoint.created</c>.</param>
/// <param name="Target">To what: its id.</param>
/// <param name="Details">A JSON object; never with a secret, a key or an event's data.</param>
/// <param name="Application">Whose it is, for the keys that may see it; null where the target tells.</param>
internal sealed record ApiAudit(string Action, string Target, string Details, string? Application);
