using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Npgsql;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>What every route of the API has in common: key, limit, scope, body, transaction, idempotency, audit, and one shape for whatever goes wrong.</summary>
internal sealed partial class ApiPipeline(WebhookDatabase database, ApiKeys keys, ApiLimits limits, ApiAnswers answers, ILogger<ApiPipeline> logger)
{
    private static readonly TimeSpan RetryUnavailable = TimeSpan.FromSeconds(2);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public async Task RunAsync(HttpContext http, ApiRoute route)
    {
        var requestId = Begin(http);
        try
        {
            await WriteAsync(http, await AnswerAsync(http, route, requestId));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
        }
        catch (Exception exception) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, ErrorOf(http, exception, route, requestId));
        }
    }

    /// <summary>Answers what leads to no route.</summary>
    public static Task RefuseAsync(HttpContext http, ApiProblem problem, string message)
    {
        var requestId = Begin(http);
        return WriteAsync(http, ApiError.Of(problem, message, requestId));
    }

    private static string Begin(HttpContext http)
    {
        var requestId = "req_" + Guid.CreateVersion7().ToString("N");
        http.Response.Headers["X-Request-Id"] = requestId;
        http.Response.Headers.CacheControl = "no-store";
        return requestId;
    }

    private static async Task WriteAsync(HttpContext http, ApiResult result)
    {
        http.Response.StatusCode = result.Status;
        if (result.Body is not { } body) return;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private async Task<ApiResult> AnswerAsync(HttpContext http, ApiRoute route, string requestId)
    {
        var caller = await keys.AuthenticateAsync(http.Request, http.RequestAborted);
        await limits.CountRequestAsync(caller, http.Response, http.RequestAborted);
        if (!caller.Scopes.Contains(route.Scope))
            throw ApiException.Of(ApiProblem.Forbidden, "scope", $"This needs a key with the scope {route.Scope}.");
        var key = route.Method == "POST" ? ApiAnswers.KeyOf(http.Request) : null;
        var bytes = route.Body is null ? ReadOnlyMemory<byte>.Empty : await ReadAsync(http, route);
        using var body = route.Body is null ? null : Parse(bytes, route);
        var call = new ApiCall(http, route, caller, requestId, body);
        call.CheckQuery();
        if (route.Writes == ApiWrites.Nothing || (route.Writes == ApiWrites.InTransactionWithKey && key is null)) return await route.RunAsync(call);

        return await TransactAsync(call, key, key is null ? [] : ApiAnswers.HashOf(http.Request, bytes.Span, caller));
    }

    /// <summary>What is done, the audit log's row and the answer to the key are committed together, whether or not the caller still listens.</summary>
    private async Task<ApiResult> TransactAsync(ApiCall call, string? key, byte[] hash)
    {
        ApiResult result;
        await using (var connection = await database.OpenAsync(call.Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(call.Cancel))
        {
            if (key is not null)
            {
                if (await answers.ClaimAsync(connection, call.Caller, key, hash, call.Cancel) is { } before)
                {
                    call.Http.Response.Headers[ApiAnswers.ReplayedHeader] = "true";
                    return before;
                }

                await transaction.SaveAsync("claimed", call.Cancel);
            }

            call.Begin(transaction);
            try
            {
                result = await call.Route.RunAsync(call);
            }
            catch (Exception refused) when (key is not null && ProblemOf(refused) is { Status: < 500 and not 429 } problem)
            {
                // A refusal is an answer, too, and the same request gets it again.
                await transaction.RollbackAsync("claimed", call.Cancel);
                result = ApiError.Of(problem.Problem, problem.Message, call.RequestId, problem.Details);
                await answers.StoreAsync(connection, call.Caller, key, result, CancellationToken.None);
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }

            if (call.Audit is { } audit)
            {
                await using var write = database.Command(
                    connection, "Api/Calls/write_audit", call.Caller.Organization, call.Caller.Application, audit.Application, audit.Target,
                    call.Caller.Id, audit.Action, call.RequestId, audit.Details);
                await write.ExecuteNonQueryAsync(CancellationToken.None);
            }

            if (key is not null) await answers.StoreAsync(connection, call.Caller, key, result, CancellationToken.None);
            await transaction.CommitAsync(CancellationToken.None);
        }

        await call.CommittedAsync();
        return result;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext http, ApiRoute route)
    {
        var request = http.Request;
        if (route.BodyIsOptional && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return "{}"u8.ToArray();
        if (request.Headers.ContentEncoding.Count > 0
            || !MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
            throw new ApiException(ApiProblem.UnsupportedMediaType, "The body must be application/json in UTF-8, without Content-Encoding.");
        if (request.ContentLength > route.MaxBody) throw TooLarge(route);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = route.MaxBody;
        var body = new ArrayBufferWriter<byte>(request.ContentLength is { } length and > 0 ? (int)length : 1024);
        while (true)
        {
            ReadResult result;
            try
            {
                result = await request.BodyReader.ReadAsync(http.RequestAborted);
            }
            catch (BadHttpRequestException refused) when (refused.StatusCode == 413)
            {
                // The HTTP server has counted the chunks of a body whose length was not stated, and does not say how many there may be.
                throw TooLarge(route);
            }

            if (body.WrittenCount + result.Buffer.Length > route.MaxBody) throw TooLarge(route);
            foreach (var segment in result.Buffer) body.Write(segment.Span);
            request.BodyReader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return body.WrittenMemory;
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body, ApiRoute route)
    {
        // The parser passes over what is no UTF-8 inside a text.
        if (!Utf8.IsValid(body.Span)) throw new ApiException(ApiProblem.MalformedRequest, "The body is not UTF-8.");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, route.DataDepth > 0 ? new JsonDocumentOptions { MaxDepth = route.DataDepth } : Strict);
        }
        catch (JsonException exception)
        {
            // Where a name stands twice the parser does not say.
            throw new ApiException(ApiProblem.MalformedRequest, exception.LineNumber is null ? "A name stands twice in an object of the body." : string.Create(
                CultureInfo.InvariantCulture, $"The body is not JSON; line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."));
        }
        catch (InvalidOperationException)
        {
            throw new ApiException(ApiProblem.MalformedRequest, "The body has a name with half of a surrogate pair in it.");
        }

        var problem = document.RootElement.ValueKind != JsonValueKind.Object ? "The body must be a JSON object."
            : route.DataDepth > 0 && ApiFields.NameProblem(document.RootElement) is { } names ? $"The body {names}." : null;
        if (problem is null) return document;
        document.Dispose();
        throw new ApiException(ApiProblem.MalformedRequest, problem);
    }

    private static ApiException TooLarge(ApiRoute route) =>
        new(ApiProblem.TooLarge, string.Create(CultureInfo.InvariantCulture, $"The body may have at most {route.MaxBody} bytes."));

    private ApiResult ErrorOf(HttpContext http, Exception exception, ApiRoute route, string requestId)
    {
        if (ProblemOf(exception) is not { } problem)
        {
            LogInternal(exception, requestId, route.Method, route.Pattern);
            return ApiError.Of(ApiProblem.Internal, "Something went wrong here; the request id finds it in the log.", requestId);
        }

        if (problem.Status == 503) LogUnavailable(exception, requestId, route.Method, route.Pattern);
        if (problem.RetryAfter is { } wait) http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return ApiError.Of(problem.Problem, problem.Message, requestId, problem.Details);
    }

    /// <summary>What an exception is to the caller; null for what nobody foresaw.</summary>
    private static Refusal? ProblemOf(Exception exception) => exception switch
    {
        ApiException refused => new(refused.Problem, refused.Message, refused.Details, refused.RetryAfter),
        WebhookValidationException refused => new(ApiProblem.ValidationFailed, "The request breaks a rule; details name every field that does.", refused.Errors, null),
        WebhookNotFoundException missing => new(ApiProblem.NotFound, missing.Message, ApiError.NoDetails, null),
        BadHttpRequestException { StatusCode: 413 } => new(ApiProblem.TooLarge, "The body is larger than allowed.", ApiError.NoDetails, null),
        BadHttpRequestException => new(ApiProblem.MalformedRequest, "The request broke off, or its framing is wrong.", ApiError.NoDetails, null),
        WebhookPublishException or TimeoutException or NpgsqlException { IsTransient: true } =>
            new(ApiProblem.Unavailable, "The database does not answer; what was asked for may or may not have been done.", ApiError.NoDetails, RetryUnavailable),
        _ => null,
    };

    [LoggerMessage(1, LogLevel.Error, "Request {RequestId} ({Method} {Pattern}) failed", EventName = "ApiRequestFailed")]
    private partial void LogInternal(Exception exception, string requestId, string method, string pattern);

    [LoggerMessage(2, LogLevel.Warning, "Request {RequestId} ({Method} {Pattern}) was answered 503", EventName = "ApiUnavailable")]
    private partial void LogUnavailable(Exception exception, string requestId, string method, string pattern);

    private sealed record Refusal(ApiProblem Problem, string Message, IReadOnlyDictionary<string, string[]> Details, TimeSpan? RetryAfter)
    {
        public int Status => Problem.Status;
    }
}
