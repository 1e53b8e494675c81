using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>Logs tell what happened, and never a secret, a signature or what an event holds.</summary>
public sealed class SecrecyTests
{
    private const string Canary = "canary-7f3a";

    [Fact]
    public async Task Logs_OfGoodAndBadRequests_ShowNoSecretNoSignatureNoPayload()
    {
        using var logs = new LogRecorder();
        var signatures = new List<string>();
        await using var feed = await FeedServer.StartAsync(1);
        feed.SignsWith = WebhookSecret.Generate();
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint),
            builder => builder.Handle<int>("order.changed", (_, _, _) => Task.CompletedTask),
            services: services => services.AddSingleton<ILoggerProvider>(logs).AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace)));

        var data = $"\"{Canary}\"";
        await SendAsync(Sent.Event(1, data: data), 204);
        await SendAsync(Sent.Event(1, data: data), 204);
        await SendAsync(Sent.Event(1, data: data, id: "evt_other"), 409);
        await SendAsync(Sent.Event(2, data: data, endpoint: "ep_other"), 400);
        await SendAsync(Sent.Event(2, data: data), 401, secret: WebhookSecret.Generate());
        await SendAsync(Sent.Event(2, data: data), 401, at: DateTimeOffset.UtcNow.AddHours(-1));
        await SendAsync(Sent.Event(2, data: data), 415, change: request => request.Content!.Headers.ContentEncoding.Add("gzip"));
        await SendAsync(("evt_2", [.. "{"u8, .. System.Text.Encoding.UTF8.GetBytes(Canary)]), 400);
        await SendAsync(Sent.Batch(2, 9, data: data), 204);
        await SendAsync(Sent.Batch(2, 9, [Sent.Event(2, data: data).Body]), 400);
        await SendAsync(Sent.Batch(1, 2, [Sent.Event(1, data: data, id: "evt_other").Body, Sent.Event(2, data: data).Body]), 409);
        await Wait.UntilAsync(async () => (await app.StreamAsync()).Hold is not null && (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);

        // The handler's own exception is the handler's to word, and System.Text.Json names no content.
        Assert.Contains(logs.Lines, line => line.Contains("401", StringComparison.Ordinal));
        Assert.Contains(logs.Lines, line => line.Contains(TestApp.Secret.Fingerprint, StringComparison.Ordinal));
        foreach (var line in logs.Lines)
        {
            Assert.DoesNotContain(Canary, line, StringComparison.Ordinal);
            Assert.DoesNotContain(TestApp.Secret.Reveal()["whsec_".Length..], line, StringComparison.Ordinal);
            Assert.DoesNotContain("whsec_", line, StringComparison.Ordinal);
            Assert.All(signatures, signature => Assert.DoesNotContain(signature, line, StringComparison.Ordinal));
        }

        async Task SendAsync(
            (string Id, byte[] Body) one, int status, WebhookSecret? secret = null, DateTimeOffset? at = null, Action<HttpRequestMessage>? change = null)
        {
            using var request = TestApp.Request(one.Id, one.Body, secret, at);
            change?.Invoke(request);
            signatures.Add(request.Headers.GetValues(WebhookHeaders.Signature).Single()["v1,".Length..]);
            using var response = await app.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal("", await response.Content.ReadAsStringAsync());
        }
    }
}

/// <summary>Keeps all that is logged, exceptions included.</summary>
internal sealed class LogRecorder : ILoggerProvider, ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull
    {
        Lines.Enqueue(state.ToString() ?? "");
        return null;
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{formatter(state, exception)} {exception}");

    public void Dispose() { }
}
