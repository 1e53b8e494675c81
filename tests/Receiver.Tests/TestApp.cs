using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>A receiver on real Kestrel, with an inbox in a folder of its own.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    public const string Source = "acme";
    public static readonly WebhookSecret Secret = WebhookSecret.Generate();

    private readonly WebApplication _app;
    private readonly HttpClient _http = new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) });

    private readonly bool _ownsFolder;

    private TestApp(WebApplication app, string folder, bool ownsFolder) => (_app, Folder, _ownsFolder) = (app, folder, ownsFolder);

    public string Folder { get; }

    public string InboxPath => Path.Combine(Folder, "inbox.db");

    public Uri Address => new(_app.Urls.First());

    public IWebhookReceiverStatus Status => _app.Services.GetRequiredService<IWebhookReceiverStatus>();

    public IServiceProvider Services => _app.Services;

    /// <summary>A folder that outlives the app, so that another can be started on it.</summary>
    public static TestFolder NewFolder() => new();

    public static async Task<TestApp> StartAsync(
        Action<WebhookReceiverOptions>? configure = null, Action<IWebhookReceiverBuilder>? handlers = null, string? folder = null,
        bool memory = false, IConfiguration? section = null, Action<WebApplication>? pipeline = null, Action<IServiceCollection>? services = null,
        TimeSpan? busyTimeout = null)
    {
        var ownsFolder = folder is null;
        folder ??= NewFolder().Path;
        var host = WebApplication.CreateSlimBuilder();
        host.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        host.Logging.ClearProviders();
        services?.Invoke(host.Services);
        var builder = section is not null
            ? host.Services.AddWebhookReceiver(Source, section)
            : host.Services.AddWebhookReceiver(Source, options =>
            {
                options.Secrets.Add("k1", Secret.Reveal());
                options.HandlerRetryMin = TimeSpan.FromMilliseconds(5);
                options.HandlerRetryMax = TimeSpan.FromMilliseconds(20);
                options.FeedRetryMin = TimeSpan.FromMilliseconds(20);
                options.FeedRetryMax = TimeSpan.FromMilliseconds(100);
                options.GapGrace = TimeSpan.FromMilliseconds(20);
                options.PausedProbeInterval = TimeSpan.FromMilliseconds(100);
                // So long that no delivery is refused because the machine hesitates; a test whose subject they are sets them.
                options.BodyTimeout = TimeSpan.FromSeconds(60);
                options.InsertTimeout = TimeSpan.FromSeconds(60);
                configure?.Invoke(options);
            });
        if (memory) builder.UseMemoryInbox();
        else builder.UseSqliteInbox(options => (options.InboxPath, options.BusyTimeout) = (Path.Combine(folder, "inbox.db"), busyTimeout ?? TimeSpan.FromSeconds(30)));
        handlers?.Invoke(builder);
        host.Services.AddHealthChecks().AddWebhookReceiverCheck();
        var app = host.Build();
        pipeline?.Invoke(app);
        app.MapWebhookReceiver("/hooks/acme", Source);
        app.MapWebhookReceiver("/any/{source}");
        var started = new TestApp(app, folder, ownsFolder);
        try
        {
            await app.StartAsync();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public static HttpRequestMessage Request(
        string id, byte[] body, WebhookSecret? secret = null, DateTimeOffset? at = null, string path = "/hooks/acme")
    {
        var timestamp = (at ?? DateTimeOffset.UtcNow).ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(WebhookHeaders.Id, id);
        request.Headers.Add(WebhookHeaders.Timestamp, $"{timestamp}");
        request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, body, [secret ?? Secret]));
        return request;
    }

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        request.RequestUri = new Uri(Address, request.RequestUri!);
        return await _http.SendAsync(request).WaitAsync(Wait.Limit);
    }

    public async Task<int> DeliverAsync(long seq, int epoch = 1, string data = "{}", string type = "order.changed", string? id = null) =>
        await DeliverAsync(Sent.Event(seq, epoch, data, type, id));

    public async Task<int> DeliverAsync((string Id, byte[] Body) one)
    {
        using var response = await SendAsync(Request(one.Id, one.Body));
        return (int)response.StatusCode;
    }

    public async Task<WebhookStreamStatus> StreamAsync() => Assert.Single((await Status.GetAsync(Source)).Streams);

    public async Task<HealthStatus> HealthAsync() => (await Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    public Task UntilProcessedAsync(long seq) => Wait.UntilAsync(async () => (await Status.GetAsync(Source)).Streams is [{ Watermark: { } at }] && at >= seq);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_ownsFolder) Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>A folder that is removed with everything in it.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("receiver-").FullName;

    public static implicit operator string(TestFolder folder) => folder.Path;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Envelopes as the dispatcher makes them.</summary>
internal static class Sent
{
    public const string Endpoint = "ep_1";

    public static (string Id, byte[] Body) Event(
        long seq, int epoch = 1, string data = "{}", string type = "order.changed", string? id = null, string endpoint = Endpoint)
    {
        id ??= $"evt_{epoch}_{seq}";
        return (id, Encoding.UTF8.GetBytes(
            $$"""{"id":"{{id}}","type":"{{type}}","timestamp":"2026-11-21T03:00:00.000Z","endpoint":"{{endpoint}}","epoch":{{epoch}},"seq":{{seq}},"data":{{data}}}"""));
    }

    public static byte[] Void(long seq) => Encoding.UTF8.GetBytes(
        $$"""{"id":"evt_1_{{seq}}","type":"order.changed","timestamp":"2026-11-21T03:00:00.000Z","endpoint":"{{Endpoint}}","epoch":1,"seq":{{seq}},"void":true,"reason":"expunged"}""");

    /// <summary>The whole numbers from one to another as a batch.</summary>
    public static (string Id, byte[] Body) Batch(long from, long to, int epoch = 1, string data = "{}", string endpoint = Endpoint)
    {
        var envelopes = new List<byte[]>();
        for (var seq = from; seq <= to; seq++) envelopes.Add(Event(seq, epoch, data, endpoint: endpoint).Body);
        return Batch(from, to, [.. envelopes], epoch, endpoint);
    }

    /// <summary>A batch of any envelopes.</summary>
    public static (string Id, byte[] Body) Batch(long from, long to, byte[][] envelopes, int epoch = 1, string endpoint = Endpoint)
    {
        var id = WebhookEnvelope.BatchId(endpoint, epoch, from, to);
        return (id, WebhookEnvelope.BuildBatch(id, DateTimeOffset.UtcNow, endpoint, epoch, from, to, envelopes));
    }

    public static InboxEvent Stored(long seq, int epoch = 1, string? id = null, string endpoint = Endpoint, bool fromFeed = false)
    {
        var one = Event(seq, epoch, id: id, endpoint: endpoint);
        return new InboxEvent(one.Id, endpoint, epoch, seq, one.Body, DateTimeOffset.UtcNow, fromFeed);
    }
}

/// <summary>Waits for what must come, and no longer than that.</summary>
internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await holds())
        {
            Assert.False(limit.IsCancellationRequested, "what was waited for did not come");
            await Task.Delay(5);
        }
    }
}
