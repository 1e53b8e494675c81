using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Conformance.Sending;
using Webhooks.Signing;

namespace Webhooks.Conformance.Feed;

/// <summary>The signed feed of the suite's stream, at the address that the receiver is configured with.</summary>
internal sealed class SenderFeed : IAsyncDisposable
{
    private const int MaxLimit = 1000;

    private readonly WebApplication _app;
    private readonly SenderStream _stream;
    private readonly WebhookSecret[] _secrets;
    private readonly string _path;

    private SenderFeed(WebApplication app, string path, SenderStream stream, WebhookSecret[] secrets) => (_app, _path, _stream, _secrets) = (app, path, stream, secrets);

    /// <summary>Null while it serves pages.</summary>
    public volatile FeedTrouble? Trouble;

    /// <summary>How many events a page holds at most.</summary>
    public volatile int PageLimit = MaxLimit;

    /// <summary>Set while pages hold other events than were published, signed with another secret.</summary>
    public volatile WebhookSecret? Forger;

    public ConcurrentQueue<FeedAsk> Asks { get; } = new();

    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<SenderFeed> StartAsync(Uri address, SenderStream stream, WebhookSecret[] secrets, CancellationToken cancel)
    {
        var host = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        host.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            if (IPAddress.TryParse(address.Host, out var ip)) kestrel.Listen(ip, address.Port);
            else if (address.IsLoopback) kestrel.ListenLocalhost(address.Port);
            else kestrel.ListenAnyIP(address.Port);
        });
        host.Logging.ClearProviders();
        var app = host.Build();
        var feed = new SenderFeed(app, address.AbsolutePath.TrimEnd('/'), stream, secrets);
        app.Run(feed.AnswerAsync);
        await app.StartAsync(cancel);
        return feed;
    }

    /// <summary>As it is when nothing is wrong.</summary>
    public void Reset() => (Trouble, PageLimit, Forger) = (null, MaxLimit, null);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var after = long.TryParse(context.Request.Query["after"], NumberStyles.None, CultureInfo.InvariantCulture, out var seq) ? seq : 0;
        var status = await AnswerAsync(context, after);
        context.Response.StatusCode = status;
        Asks.Enqueue(new FeedAsk(DateTimeOffset.UtcNow, after, status));
        if (context.Items.TryGetValue(typeof(SenderFeed), out var body)) await context.Response.Body.WriteAsync((byte[])body!);
    }

    private Task<int> AnswerAsync(HttpContext context, long after)
    {
        var request = context.Request;
        if (request.Path != $"{_path}/v1/endpoints/{_stream.Endpoint}/events") return Task.FromResult(404);
        if (!int.TryParse(request.Query["limit"], NumberStyles.None, CultureInfo.InvariantCulture, out var limit)) return Task.FromResult(400);
        if (Trouble is { } trouble)
        {
            if (trouble.RetryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            return Task.FromResult(trouble.Status);
        }

        var id = request.Headers[WebhookHeaders.Id].ToString();
        var verified = WebhookVerifier.Verify(
            id, request.Headers[WebhookHeaders.Timestamp].ToString(), request.Headers[WebhookHeaders.Signature].ToString(),
            SignedContent.FeedRequest(_stream.Endpoint, after, limit), _secrets, DateTimeOffset.UtcNow);
        if (!verified.IsValid) return Task.FromResult(401);
        var (body, status) = after < _stream.Floor - 1 ? (Expired(), 410) : (Page(after, Math.Min(limit, PageLimit)), 200);
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        context.Response.ContentType = "application/json";
        context.Response.Headers[WebhookHeaders.Id] = "ans_" + id;
        context.Response.Headers[WebhookHeaders.Timestamp] = timestamp.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers[WebhookHeaders.Signature] =
            WebhookSigner.Sign("ans_" + id, timestamp, body, Forger is { } forger ? [forger] : _secrets, SignedContent.AnswerPrefix(id));
        context.Items[typeof(SenderFeed)] = body;
        return Task.FromResult(status);
    }

    private byte[] Page(long after, int limit)
    {
        var head = _stream.Head;
        var events = _stream.After(after, limit);
        if (Forger is not null) events = [.. events.Select(one => SentEvent.Build($"{_stream.IdPrefix}forged_feed_{one.Seq}", _stream.Endpoint, one.Seq, "{}"))];
        var more = events.Count > 0 && events[^1].Seq < head;
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $$"""{"endpoint":"{{_stream.Endpoint}}","epoch":1,"epoch_start":1,"floor":{{_stream.Floor}},"head":{{head}},"cursor":{{_stream.Cursor}},"status":"active","pause_reason":null,"data":[{{string.Join(',', events.Select(one => Encoding.UTF8.GetString(one.Body)))}}],"has_more":{{(more ? "true" : "false")}}}"""));
    }

    private byte[] Expired() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $$"""{"error":{"code":"range_expired","message":"gone","details":{},"request_id":"req_1"},"floor":{{_stream.Floor}},"head":{{_stream.Head}},"epoch":1,"epoch_start":1}"""));
}
