using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>A scripted sender: its feed and its resume call, signed as the protocol says.</summary>
internal sealed class FeedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FeedServer(WebApplication app) => _app = app;

    public SortedDictionary<long, byte[]> Events { get; } = [];

    public int Epoch { get; set; } = 1;

    public long EpochStart { get; set; } = 1;

    public long Floor { get; set; } = 1;

    public long? HeadSaid { get; set; }

    public long Cursor { get; set; }

    public string? PauseReason { get; set; }

    public int PageLimit { get; set; } = 1000;

    public WebhookSecret SignsWith { get; set; } = TestApp.Secret;

    public WebhookSecret[] Accepts { get; set; } = [TestApp.Secret];

    /// <summary>Statuses to answer first, before anything else.</summary>
    public ConcurrentQueue<int> Refusals { get; } = new();

    public ConcurrentQueue<long> Reads { get; } = new();

    public ConcurrentQueue<long> Resumes { get; } = new();

    public int ResumeStatus { get; set; } = 200;

    /// <summary>What the refusals say of when to come again.</summary>
    public string? RefusalRetryAfter { get; set; }

    public int? ResumeRetryAfter { get; set; }

    public bool SignsResume { get; set; } = true;

    public bool IsDeleted { get; set; }

    /// <summary>A key that is as good as a signature.</summary>
    public string? ApiKey { get; set; }

    public bool IsForbidden { get; set; }

    /// <summary>Has every read answered as expired, whatever it asks for.</summary>
    public bool AlwaysExpired { get; set; }

    public Uri Address => new(_app.Urls.First());

    private long Head => HeadSaid ?? (Events.Count == 0 ? Floor - 1 : Events.Keys.Last());

    public static async Task<FeedServer> StartAsync(int events = 0)
    {
        var host = WebApplication.CreateSlimBuilder();
        host.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        host.Logging.ClearProviders();
        var app = host.Build();
        var server = new FeedServer(app);
        server.Add(1, events);
        app.MapGet("/v1/endpoints/{endpoint}/events", new RequestDelegate(server.ReadAsync));
        app.MapPost("/v1/endpoints/{endpoint}/resume", new RequestDelegate(server.ResumeAsync));
        await app.StartAsync();
        return server;
    }

    public void Add(long from, long to, int epoch = 1)
    {
        for (var seq = from; seq <= to; seq++) Events[seq] = Sent.Event(seq, epoch).Body;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task ReadAsync(HttpContext context)
    {
        var endpoint = (string)context.Request.RouteValues["endpoint"]!;
        var after = long.Parse(context.Request.Query["after"]!, CultureInfo.InvariantCulture);
        var limit = int.Parse(context.Request.Query["limit"]!, CultureInfo.InvariantCulture);
        Reads.Enqueue(after);
        if (Refusals.TryDequeue(out var status) || !IsSigned(context, SignedContent.FeedRequest(endpoint, after, limit)))
        {
            context.Response.StatusCode = status == 0 ? 401 : status;
            if (status != 0) context.Response.Headers.RetryAfter = RefusalRetryAfter;
            return;
        }

        if (IsDeleted)
        {
            await AnswerAsync(context, 410, """{"error":{"code":"endpoint_deleted","message":"gone","details":{},"request_id":"req_1"}}"""u8.ToArray());
            return;
        }

        if (IsForbidden)
        {
            await AnswerAsync(context, 403, """{"error":{"code":"forbidden","message":"no","details":{},"request_id":"req_1"}}"""u8.ToArray());
            return;
        }

        if (after < Floor - 1 || AlwaysExpired)
        {
            await AnswerAsync(context, 410, Encoding.UTF8.GetBytes(
                $$"""{"error":{"code":"range_expired","message":"gone","details":{"floor":["{{Floor}}"],"head":["{{Head}}"]},"request_id":"req_1"},"floor":{{Floor}},"head":{{Head}},"epoch":{{Epoch}},"epoch_start":{{EpochStart}}}"""));
            return;
        }

        var rest = Events.Where(one => one.Key > after && one.Key >= Floor).Select(one => one.Value).ToList();
        var page = rest.Take(Math.Min(limit, PageLimit)).ToList();
        var reason = PauseReason is null ? "null" : $"\"{PauseReason}\"";
        using var body = new MemoryStream();
        body.Write(Encoding.UTF8.GetBytes(
            $$"""{"endpoint":"{{endpoint}}","epoch":{{Epoch}},"epoch_start":{{EpochStart}},"floor":{{Floor}},"head":{{Head}},"cursor":{{Cursor}},"status":"{{(PauseReason is null ? "active" : "paused")}}","pause_reason":{{reason}},"data":["""));
        for (var i = 0; i < page.Count; i++)
        {
            if (i > 0) body.WriteByte((byte)',');
            body.Write(page[i]);
        }

        body.Write(Encoding.UTF8.GetBytes($$"""],"has_more":{{(rest.Count > page.Count ? "true" : "false")}}}"""));
        await AnswerAsync(context, 200, body.ToArray());
    }

    private async Task ResumeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        var after = long.Parse(text["{\"after\":".Length..^1], CultureInfo.InvariantCulture);
        if (!IsSigned(context, SignedContent.ResumeRequest((string)context.Request.RouteValues["endpoint"]!, Epoch, after)))
        {
            context.Response.StatusCode = 401;
            return;
        }

        if (ResumeStatus == 200) PauseReason = null;
        Resumes.Enqueue(after);
        if (ResumeRetryAfter is { } seconds) context.Response.Headers.RetryAfter = $"{seconds}";
        if (!SignsResume)
        {
            context.Response.StatusCode = ResumeStatus;
            return;
        }

        await AnswerAsync(context, ResumeStatus, Encoding.UTF8.GetBytes($$"""{"status":"active","cursor":{{after}}}"""));
    }

    private bool IsSigned(HttpContext context, byte[] content) => (ApiKey is not null && context.Request.Headers.Authorization == $"Bearer {ApiKey}") || WebhookVerifier.Verify(
        context.Request.Headers[WebhookHeaders.Id].ToString(), context.Request.Headers[WebhookHeaders.Timestamp].ToString(),
        context.Request.Headers[WebhookHeaders.Signature].ToString(), content, Accepts, DateTimeOffset.UtcNow).IsValid;

    private async Task AnswerAsync(HttpContext context, int status, byte[] body)
    {
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers[WebhookHeaders.Id] = "ans_1";
        context.Response.Headers[WebhookHeaders.Timestamp] = $"{timestamp}";
        context.Response.Headers[WebhookHeaders.Signature] = WebhookSigner.Sign(
            "ans_1", timestamp, body, [SignsWith], SignedContent.AnswerPrefix(context.Request.Headers[WebhookHeaders.Id].ToString()));
        await context.Response.Body.WriteAsync(body);
    }
}
