using System.Diagnostics;
using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Bench.Setup;
using Webhooks.Signing;

namespace Webhooks.Bench.Receiving;

/// <summary>A sender's feed of many events, with pages made beforehand, and limited as the dispatcher's is: ten requests at once, then ten a second.</summary>
internal sealed class FeedOfMany : IAsyncDisposable
{
    private const int PageSize = 1000;

    private readonly WebApplication _app;
    private readonly WebhookSecret _secret;
    private readonly byte[][] _pages;
    private readonly TokenBucketRateLimiter _rate = new(new TokenBucketRateLimiterOptions
    {
        TokenLimit = 10, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromMilliseconds(100), QueueLimit = 0,
    });

    private long _refused, _first;

    private FeedOfMany(WebApplication app, WebhookSecret secret, byte[][] pages) => (_app, _secret, _pages) = (app, secret, pages);

    public Uri Address => new(_app.Urls.First());

    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>When it was first asked.</summary>
    public long First => Interlocked.Read(ref _first);

    public static async Task<FeedOfMany> StartAsync(WebhookSecret secret, int events, CancellationToken cancel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var feed = new FeedOfMany(app, secret, [.. Enumerable.Range(0, events / PageSize).Select(page => Page(page, events))]);
        app.MapGet("/v1/endpoints/{endpoint}/events", new RequestDelegate(feed.AnswerAsync));
        await app.StartAsync(cancel);
        return feed;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _rate.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        Interlocked.CompareExchange(ref _first, Stopwatch.GetTimestamp(), 0);
        using var lease = _rate.AttemptAcquire();
        if (!lease.IsAcquired)
        {
            Interlocked.Increment(ref _refused);
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = "1";
            return;
        }

        var after = long.Parse(http.Request.Query["after"]!, CultureInfo.InvariantCulture);
        // Asked once more behind the last page, it has nothing.
        var body = after / PageSize < _pages.Length ? _pages[after / PageSize] : Empty(_pages.Length * PageSize);
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        http.Response.Headers[WebhookHeaders.Id] = "ans_bench";
        http.Response.Headers[WebhookHeaders.Timestamp] = timestamp.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers[WebhookHeaders.Signature] = WebhookSigner.Sign(
            "ans_bench", timestamp, body, [_secret], SignedContent.AnswerPrefix(http.Request.Headers[WebhookHeaders.Id].ToString()));
        await http.Response.Body.WriteAsync(body);
    }

    private static byte[] Page(int page, int events)
    {
        var first = (page * PageSize) + 1;
        using var body = new MemoryStream();
        body.Write(Head(events));
        for (var seq = first; seq < first + PageSize; seq++)
        {
            if (seq > first) body.WriteByte((byte)',');
            body.Write(Payload.Envelope(string.Create(CultureInfo.InvariantCulture, $"evt_bench_{seq}"), TargetProgram.Endpoint, seq, seq));
        }

        body.Write(first + PageSize > events ? "],\"has_more\":false}"u8 : "],\"has_more\":true}"u8);
        return body.ToArray();
    }

    private static byte[] Empty(int events) => [.. Head(events), .. "],\"has_more\":false}"u8];

    private static byte[] Head(int events) => System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"{{\"endpoint\":\"{TargetProgram.Endpoint}\",\"epoch\":1,\"epoch_start\":1,\"floor\":1,\"head\":{events},\"cursor\":0,\"status\":\"active\",\"pause_reason\":null,\"data\":["));
}
