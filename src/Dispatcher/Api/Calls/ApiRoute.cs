using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// One route of the management API: how it is asked, who may ask, and what does the work. The table of them is what is mapped, what the document describes and
/// what the tests go through.
/// </summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Pattern">The path below the prefix.</param>
/// <param name="Scope">The scope that a key must have.</param>
/// <param name="Summary">What it does, for the document.</param>
/// <param name="RunAsync">Does it.</param>
internal sealed record ApiRoute(string Method, string Pattern, string Scope, string Summary, Func<ApiCall, Task<ApiResult>> RunAsync)
{
    /// <summary>The group it stands under in the document, such as "Endpoints".</summary>
    public required string Tag { get; init; }

    /// <summary>What it changes, and how.</summary>
    public ApiWrites Writes { get; init; }

    /// <summary>The status of success; 200 unless stated otherwise.</summary>
    public int Success { get; init; } = 200;

    /// <summary>The status of success in part, where there is such: the same answer tells which.</summary>
    public int? PartialSuccess { get; init; }

    /// <summary>What it answers on success; null for no body.</summary>
    public JsonTypeInfo? Answer { get; init; }

    /// <summary>The schema of its body, as JSON Schema 2020-12; null for no body.</summary>
    public string? Body { get; init; }

    /// <summary>Whether the body may be left out, which is like an empty object.</summary>
    public bool BodyIsOptional { get; init; }

    /// <summary>An example of its body.</summary>
    public string? Example { get; init; }

    /// <summary>Its query parameters.</summary>
    public IReadOnlyList<ApiParameter> Query { get; init; } = [];

    /// <summary>The errors that are its own, beside those that any route has.</summary>
    public IReadOnlyList<ApiProblem> Problems { get; init; } = [];

    /// <summary>What serves a receiver, who asks on a path of this API, too: a request without an Authorization header, or with a <c>webhook-id</c>. Null for nothing.</summary>
    public RequestDelegate? ByReceiver { get; init; }

    /// <summary>
    /// How deep the data in its body may be; 0 where there is none. Data goes on as it was written, so that what is inside of it is for publishing to judge: the same JSON
    /// is taken here and by the library, with a name twice or beyond the 64 levels of any other body.
    /// </summary>
    public int DataDepth { get; init; }

    /// <summary>How large its body may be, in bytes.</summary>
    public int MaxBody { get; init; } = 256 * 1024;
}

/// <summary>A query parameter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schema">Its JSON Schema.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record ApiParameter(string Name, string Schema, string Meaning);

/// <summary>How a route changes something.</summary>
internal enum ApiWrites
{
    /// <summary>It changes nothing.</summary>
    Nothing,

    /// <summary>In a transaction, with the answer to its Idempotency-Key and the row of the audit log: all of them commit or none.</summary>
    InTransaction,

    /// <summary>So if the request has an Idempotency-Key; by itself without one, so that many requests may share a commit.</summary>
    InTransactionWithKey,
}
