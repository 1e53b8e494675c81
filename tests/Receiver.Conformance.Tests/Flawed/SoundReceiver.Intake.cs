using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Webhooks.Signing;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>From the request to the disk.</summary>
internal partial class SoundReceiver
{
    private static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(4);

    protected virtual async Task<int> TakeAsync(HttpContext context)
    {
        if (CheckMethod(context.Request) is { } method) return method;
        if (CheckHeaders(context.Request) is { } refused) return refused;
        var (status, body) = await ReadAsync(context);
        if (status != 200) return status;
        if (!Verify(context.Request.Headers, body))
        {
            Log($"refused: not verified ({body.Length} bytes)");
            return 401;
        }

        if (Read(body, Header(context.Request.Headers, WebhookHeaders.Id)) is not { } events) return OnMalformed();
        if (events.Any(one => one.Endpoint != Endpoint)) return OnOtherEndpoint(events);
        foreach (var one in events)
            if (await StoreAsync(one, context) is var stored and not 204) return stored;
        return 204;
    }

    protected virtual int? CheckMethod(HttpRequest request) => request.Method == "POST" ? null : 405;

    protected virtual int? CheckHeaders(HttpRequest request) =>
        CheckEncoding(request) ?? CheckMediaType(request)
        ?? (new[] { WebhookHeaders.Id, WebhookHeaders.Timestamp, WebhookHeaders.Signature }.Any(name => request.Headers[name].Count != 1) ? OnHeaderCount(request) : null);

    protected virtual int? OnHeaderCount(HttpRequest request) => 400;

    protected virtual int? CheckEncoding(HttpRequest request) => request.Headers.ContentEncoding.Count > 0 ? 415 : null;

    protected virtual int? CheckMediaType(HttpRequest request) =>
        request.ContentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) == true ? null : 415;

    protected virtual string Header(IHeaderDictionary headers, string name) => headers[name].ToString();

    protected virtual long MaxBytes => MaxBody;

    protected virtual TimeSpan Patience => BodyTimeout;

    protected virtual async Task<(int Status, byte[] Body)> ReadAsync(HttpContext context)
    {
        using var timer = new CancellationTokenSource(Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, Life, context.RequestAborted);
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            while (await context.Request.Body.ReadAsync(buffer, either.Token) is var read and > 0)
            {
                body.Write(buffer, 0, read);
                if (body.Length > MaxBytes) return (413, []);
            }
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            return (408, []);
        }
        catch (Exception e) when (e is IOException or BadHttpRequestException)
        {
            return (400, []);
        }

        return (200, body.ToArray());
    }

    protected virtual bool Verify(IHeaderDictionary headers, byte[] body) => Check(
        Header(headers, WebhookHeaders.Id), Header(headers, WebhookHeaders.Timestamp), Header(headers, WebhookHeaders.Signature), body);

    /// <summary>As if it were another time.</summary>
    protected bool Verify(IHeaderDictionary headers, byte[] body, DateTimeOffset now) => Check(
        Header(headers, WebhookHeaders.Id), Header(headers, WebhookHeaders.Timestamp), Header(headers, WebhookHeaders.Signature), body, null, now);

    /// <summary>The time that a request states.</summary>
    protected static DateTimeOffset? Time(IHeaderDictionary headers) =>
        long.TryParse(headers[WebhookHeaders.Timestamp].ToString(), out var seconds) && seconds is > 0 and < 200_000_000_000
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    protected bool Check(string id, string timestamp, string signature, byte[] body, byte[]? prefix = null, DateTimeOffset? now = null) =>
        WebhookVerifier.Verify(id, timestamp, signature, body, Secrets, now ?? DateTimeOffset.UtcNow, null, prefix).IsValid;

    protected virtual int OnMalformed() => 400;

    protected virtual int OnOtherEndpoint(IReadOnlyList<Received> events) => 400;

    /// <summary>The events of a body; null when it is no envelope.</summary>
    protected virtual IReadOnlyList<Received>? Read(byte[] body, string id)
    {
        if (!Utf8.IsValid(body)) return null;
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.GetProperty("id").GetString() != id) return null;
            if (root.GetProperty("seq").ValueKind != JsonValueKind.Object) return ReadOne(root) is { } one ? [one] : null;
            var events = root.GetProperty("data").EnumerateArray().Select(ReadOne).ToList();
            return events.Contains(null) ? null : [.. events.OfType<Received>()];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static Received? ReadOne(JsonElement envelope)
    {
        if (envelope.EnumerateObject().GroupBy(member => member.Name).Any(group => group.Count() > 1)) return null;
        if (!envelope.GetProperty("seq").TryGetInt64(out var seq) || seq < 1 || !envelope.GetProperty("epoch").TryGetInt32(out _)) return null;
        var isVoid = envelope.TryGetProperty("void", out _);
        return isVoid == envelope.TryGetProperty("data", out _) ? null
            : new Received(envelope.GetProperty("id").GetString()!, envelope.GetProperty("endpoint").GetString()!, seq, isVoid);
    }

    /// <summary>Makes it durable, and gives the answer.</summary>
    protected virtual Task<int> StoreAsync(Received one, HttpContext? context)
    {
        Disk.Insert(one);
        return Task.FromResult(204);
    }
}
