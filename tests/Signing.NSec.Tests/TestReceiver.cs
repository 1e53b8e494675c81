using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>An integrator's application on real Kestrel, with a SQLite inbox; all that it logs is kept.</summary>
internal sealed class TestReceiver : IAsyncDisposable
{
    public const string Source = "platform";

    private readonly WebApplication _app;
    private readonly string _folder;

    private TestReceiver(WebApplication app, string folder, KeptLog log) => (_app, _folder, Log) = (app, folder, log);

    public KeptLog Log { get; }

    /// <summary>While set, deliveries are answered so, before the receiver sees them.</summary>
    public volatile int Broken;

    public ConcurrentQueue<long> Handled { get; } = new();

    public Uri Url => new(new Uri(_app.Urls.First()), "/hooks");

    public IWebhookReceiverStatus Status => _app.Services.GetRequiredService<IWebhookReceiverStatus>();

    public static async Task<TestReceiver> StartAsync(Action<WebhookReceiverOptions> configure, WebhookSecret[]? provided = null)
    {
        var folder = Directory.CreateTempSubdirectory("nsec-").FullName;
        var log = new KeptLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Trace);
        TestReceiver? self = null;
        var receiver = builder.Services.AddWebhookReceiver(Source, options =>
            {
                options.FeedRetryMin = TimeSpan.FromMilliseconds(20);
                options.FeedRetryMax = TimeSpan.FromMilliseconds(100);
                options.GapGrace = TimeSpan.FromMilliseconds(50);
                options.HeadProbeInterval = TimeSpan.FromMilliseconds(200);
                options.PausedProbeInterval = TimeSpan.FromMilliseconds(100);
                configure(options);
            })
            .UseSqliteInbox(options => options.InboxPath = Path.Combine(folder, "inbox.db"))
            .Handle("order.paid", (paid, _, _) =>
            {
                self!.Handled.Enqueue(paid.Seq!.Value);
                return Task.CompletedTask;
            });
        if (provided is not null)
            receiver.AddSecretProvider((_, _) => new([.. provided.Select(one => new WebhookSecretOptions { Value = one.Reveal() })]));
        var app = builder.Build();
        app.Use(async (http, next) =>
        {
            if (self?.Broken is { } status and not 0) http.Response.StatusCode = status;
            else await next(http);
        });
        app.MapWebhookReceiver("/hooks", Source);
        self = new TestReceiver(app, folder, log);
        try
        {
            await app.StartAsync();
            return self;
        }
        catch
        {
            await self.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the events of these numbers were handled, each once and in order.</summary>
    public async Task UntilHandledAsync(int last)
    {
        await Until.TrueAsync(() => Task.FromResult(Handled.Count >= last), $"{last} events are handled");
        Assert.Equal(Enumerable.Range(1, last).Select(seq => (long)seq), Handled);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Waits for what must come, and no longer than that.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"it did not come about that {what}");
            await Task.Delay(10);
        }
    }
}
