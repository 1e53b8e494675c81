using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Webhooks.Signing;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>Says 200 to everything, and does nothing: what a suite that looks at statuses alone would pass.</summary>
internal sealed class AnswersOnly : SoundReceiver
{
    protected override async Task<int> TakeAsync(HttpContext context)
    {
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        return 200;
    }
}

/// <summary>Parses the body, and verifies what it writes again.</summary>
internal sealed class VerifiesAfterReserialising : SoundReceiver
{
    // Relaxed, so that what is written plainly stays as it was.
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    protected override bool Verify(IHeaderDictionary headers, byte[] body)
    {
        try
        {
            using var parsed = JsonDocument.Parse(body);
            return base.Verify(headers, JsonSerializer.SerializeToUtf8Bytes(parsed.RootElement, Relaxed));
        }
        catch (JsonException)
        {
            return base.Verify(headers, body);
        }
    }
}

/// <summary>Never verifies.</summary>
internal sealed class NeverVerifies : SoundReceiver
{
    protected override bool Verify(IHeaderDictionary headers, byte[] body) => true;
}

/// <summary>Lets through what bears no signature.</summary>
internal sealed class AcceptsUnsigned : SoundReceiver
{
    protected override int? OnHeaderCount(HttpRequest request) => request.Headers[WebhookHeaders.Signature].Count == 0 ? null : 400;

    protected override bool Verify(IHeaderDictionary headers, byte[] body) => headers[WebhookHeaders.Signature].Count == 0 || base.Verify(headers, body);
}

/// <summary>Does not look at how old a request is.</summary>
internal sealed class AcceptsStale : SoundReceiver
{
    protected override bool Verify(IHeaderDictionary headers, byte[] body) =>
        base.Verify(headers, body) || (Time(headers) is { } at && at < DateTimeOffset.UtcNow && Verify(headers, body, at));
}

/// <summary>Checks that a request is not too old, and no more.</summary>
internal sealed class AcceptsTheFuture : SoundReceiver
{
    protected override bool Verify(IHeaderDictionary headers, byte[] body) =>
        base.Verify(headers, body) || (Time(headers) is { } at && at > DateTimeOffset.UtcNow && Verify(headers, body, at));
}

/// <summary>Signs the number that it parsed, not the text that came.</summary>
internal sealed class SignsTheParsedTimestamp : SoundReceiver
{
    protected override string Header(IHeaderDictionary headers, string name) =>
        name == WebhookHeaders.Timestamp && long.TryParse(base.Header(headers, name), out var seconds) ? $"{seconds}" : base.Header(headers, name);
}

/// <summary>Takes the first entry of the list of signatures.</summary>
internal sealed class FirstSignatureOnly : SoundReceiver
{
    protected override string Header(IHeaderDictionary headers, string name) =>
        name == WebhookHeaders.Signature ? base.Header(headers, name).Split(' ')[0] : base.Header(headers, name);
}

/// <summary>Takes any version for the one that it knows.</summary>
internal sealed class IgnoresTheVersion : SoundReceiver
{
    protected override string Header(IHeaderDictionary headers, string name) => name == WebhookHeaders.Signature
        ? string.Join(' ', base.Header(headers, name).Split(' ').Select(entry => entry.IndexOf(',', StringComparison.Ordinal) is var comma and > 0 ? $"v1{entry[comma..]}" : entry))
        : base.Header(headers, name);
}

/// <summary>Of a header that stands there twice, the last one counts.</summary>
internal sealed class LastHeaderCounts : SoundReceiver
{
    protected override int? OnHeaderCount(HttpRequest request) =>
        request.Headers[WebhookHeaders.Signature].Count == 0 || request.Headers[WebhookHeaders.Id].Count == 0 || request.Headers[WebhookHeaders.Timestamp].Count == 0 ? 400 : null;

    protected override string Header(IHeaderDictionary headers, string name) => headers[name].LastOrDefault() ?? "";
}

/// <summary>Verifies whatever kind of message it is.</summary>
internal sealed class TakesAnyKind : SoundReceiver
{
    protected override bool Verify(IHeaderDictionary headers, byte[] body)
    {
        var id = Header(headers, WebhookHeaders.Id);
        return base.Verify(headers, body)
            || (id.Length > 0 && !id.Contains('\n', StringComparison.Ordinal) && id.StartsWith("evt_", StringComparison.Ordinal)
                && Check(id, Header(headers, WebhookHeaders.Timestamp), Header(headers, WebhookHeaders.Signature), body, SignedContent.AnswerPrefix(id)));
    }
}

/// <summary>Knows one secret at a time.</summary>
internal sealed class OneSecret : SoundReceiver
{
    protected override WebhookSecret[] Secrets => [Secret];
}

/// <summary>Never forgets a secret.</summary>
internal sealed class KeepsExpiredSecrets : SoundReceiver
{
    protected override WebhookSecret[] Secrets => [.. base.Secrets, ExpiredSecret];
}

/// <summary>Throws at what it cannot read.</summary>
internal sealed class CrashesOnMalformed : SoundReceiver
{
    protected override int OnMalformed() => 500;

}

/// <summary>Takes the signature apart by places.</summary>
internal sealed class CrashesOnMalformedSignature : SoundReceiver
{
    protected override async Task<int> TakeAsync(HttpContext context)
    {
        var signature = context.Request.Headers[WebhookHeaders.Signature].ToString();
        return signature.Length > 0 && signature.Split(',').Length < 2 ? 500 : await base.TakeAsync(context);
    }
}

/// <summary>Returns early for what is no JSON, and forgets to set a status.</summary>
internal sealed class EarlyReturnWithoutStatus : SoundReceiver
{
    protected override int? CheckMediaType(HttpRequest request) => base.CheckMediaType(request) is null ? null : 200;
}

/// <summary>Compares the content type as text.</summary>
internal sealed class ComparesMediaTypeAsText : SoundReceiver
{
    protected override int? CheckMediaType(HttpRequest request) => request.ContentType == "application/json" ? null : 415;
}

/// <summary>Reads as much as comes.</summary>
internal sealed class ReadsWithoutBound : SoundReceiver
{
    protected override long MaxBytes => long.MaxValue;

    protected override TimeSpan Patience => TimeSpan.FromSeconds(3);
}

/// <summary>Trusts the stated length.</summary>
internal sealed class TrustsContentLength : SoundReceiver
{
    protected override long MaxBytes => long.MaxValue;

    protected override TimeSpan Patience => TimeSpan.FromSeconds(3);

    protected override int? CheckEncoding(HttpRequest request) => request.ContentLength > MaxBody ? 413 : base.CheckEncoding(request);
}

/// <summary>Waits for a body for ever.</summary>
internal sealed class WaitsForEver : SoundReceiver
{
    protected override TimeSpan Patience => TimeSpan.FromDays(1);
}

/// <summary>Unpacks before it verifies.</summary>
internal sealed class UnpacksFirst : SoundReceiver
{
    protected override int? CheckEncoding(HttpRequest request) => request.Headers.ContentEncoding.ToString() is "" or "gzip" ? null : 415;

    protected override async Task<(int Status, byte[] Body)> ReadAsync(HttpContext context)
    {
        if (context.Request.Headers.ContentEncoding == "gzip") context.Request.Body = new GZipStream(context.Request.Body, CompressionMode.Decompress);
        return await base.ReadAsync(context);
    }
}

/// <summary>Answers any method.</summary>
internal sealed class AnswersGet : SoundReceiver
{
    protected override int? CheckMethod(HttpRequest request) => request.Method == "GET" ? 200 : base.CheckMethod(request);
}

/// <summary>Writes requests into its log, to make support easier.</summary>
internal sealed class LogsSecrets : SoundReceiver
{
    protected override bool Verify(IHeaderDictionary headers, byte[] body)
    {
        Log($"verifying {Encoding.UTF8.GetString(body)} against {headers[WebhookHeaders.Signature]} with {Secrets[0].Reveal()}");
        return base.Verify(headers, body);
    }
}
