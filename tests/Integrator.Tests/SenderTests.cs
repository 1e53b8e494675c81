using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Receiver;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Integrator.Tests;

/// <summary>What the test sender, its feed and the probe promise, over a TestServer and over sockets.</summary>
public sealed class SenderTests : IAsyncLifetime, IDisposable
{
    private readonly TestSender _sender = new();
    private readonly WebhookProbe _probe = new();
    private WebApplication? _app;
    private HttpClient? _http;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        await _sender.DisposeAsync();
    }

    public void Dispose() => _http?.Dispose();

    [Fact]
    public async Task OneLine_PostsASignedEvent_ToAClientAndToAnAddress()
    {
        var secret = WebhookSecret.Generate();
        await using var receiver = await ScriptedReceiver.StartAsync();
        using var http = new HttpClient { BaseAddress = receiver.Url };

        Assert.Equal(HttpStatusCode.NoContent, await TestSender.To(http, "/hooks", secret).PostAsync("invoice.paid", """{"n":1}"""));
        Assert.Equal(HttpStatusCode.NoContent, await TestSender.To(new Uri(receiver.Url, "/hooks"), secret).PostAsync("invoice.paid", """{"n":1}"""));

        Assert.All(receiver.Verify(secret), result => Assert.True(result.IsValid));
        Assert.Equal(["/hooks", "/hooks"], receiver.Requests.Select(request => request.Path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gap_OfHundreds_IsReadFromTheFeedByPages_InMemoryAndOverSockets(bool sockets)
    {
        await StartAsync(sockets);
        _sender.Feed.PageLimit = 100;
        _sender.Publish("t", [.. Enumerable.Range(1, 450).Select(n => $"{n}")]);
        await _sender.PostAsync(450);
        await _probe.UntilHandledAsync(450);
        Assert.Equal(Enumerable.Range(1, 450).Select(n => (long)n), _probe.Seqs);
        Assert.True(_sender.Feed.Reads.Count >= 5);
    }

    [Fact]
    public async Task Feed_Down_HoldsBackWhatFollowsAGap_UntilItIsUpAgain()
    {
        await StartAsync();
        // Before they are published: the receiver may read the feed at any time.
        _sender.Feed.IsDown = true;
        _sender.Publish("t", "1", "2", "3");
        await _sender.PostAsync([1, 3]);
        await _probe.UntilHandledAsync(1);
        Assert.Equal([1], _probe.Seqs);
        _sender.Feed.IsDown = false;
        await _probe.UntilHandledAsync(3);
        Assert.Equal([1, 2, 3], _probe.Seqs);
    }

    [Fact]
    public async Task Batch_AndVoid_AreHandledAsSuch()
    {
        await StartAsync();
        _sender.Publish("t", "1", "2");
        _sender.PublishVoid("t");
        Assert.Equal(HttpStatusCode.NoContent, await _sender.PostBatchAsync(1, 3));
        var handled = await _probe.UntilHandledAsync(3);
        Assert.Equal([(Settlement.Processed, 1), (Settlement.Processed, 1), (Settlement.Void, 0)], handled.Select(one => (one.How, one.Attempts)));
        Assert.Equal(2, (await _probe.UntilHandledAsync(one => one.Event.Seq == 2)).Event.Seq);
    }

    [Fact]
    public async Task PausedEndpoint_IsAskedForAgain_AndTheFeedRecordsIt()
    {
        _sender.Feed.PauseReason = "failing";
        _sender.Publish("t", "1", "2");
        await StartAsync();
        await _probe.UntilHandledAsync(2);
        for (var tries = 0; _sender.Feed.Resumes.Count == 0 && tries < 1200; tries++) await Task.Delay(50);
        Assert.Equal(2, Assert.Single(_sender.Feed.Resumes));
        Assert.Null(_sender.Feed.PauseReason);
    }

    [Fact]
    public async Task Range_BelowTheFloor_IsUnrecoverable()
    {
        await StartAsync();
        await _sender.PostAsync("t", "1");
        await _probe.UntilHandledAsync(1);
        // Down meanwhile, for the receiver may read the feed at any time, and would get what is not to be had.
        _sender.Feed.IsDown = true;
        _sender.Publish("t", "2", "3");
        _sender.Feed.Floor = 3;
        _sender.Feed.IsDown = false;
        await _sender.PostAsync(3);
        var status = _app!.Services.GetRequiredService<IWebhookReceiverStatus>();
        for (var tries = 0; tries < 1200 && (await status.GetAsync("platform")).Streams[0].Unrecoverable is null; tries++) await Task.Delay(50);
        Assert.Equal(new SeqRange(2, 2), (await status.GetAsync("platform")).Streams[0].Unrecoverable);
        Assert.Equal([1], _probe.Seqs);
    }

    [Fact]
    public async Task Failure_IsRecordedForEachAttempt_AndTheRetryHandles()
    {
        var calls = 0;
        await StartAsync(handler: () => ++calls < 3 ? throw new InvalidOperationException($"attempt {calls}") : Task.CompletedTask);
        await _sender.PostAsync("t", "1");
        Assert.Equal(3, Assert.Single(await _probe.UntilHandledAsync(1)).Attempts);
        Assert.Equal([(1, "attempt 1"), (2, "attempt 2")], _probe.Failures.Select(one => (one.Attempt, one.Exception.Message)));
    }

    [Fact]
    public async Task Sender_ThatDoesNotKnowWhereTo_OrWhat_SaysSo()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _sender.PostAsync("t", "1"));
        Assert.Empty(_sender.Published);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _sender.PostAsync(1));
        Assert.Throws<ArgumentException>(() => new ServiceCollection().UseTestSender("platform", _sender));
    }

    private async Task StartAsync(bool sockets = false, Func<Task>? handler = null)
    {
        var host = WebApplication.CreateSlimBuilder();
        host.Logging.ClearProviders();
        if (sockets) host.WebHost.UseUrls("http://127.0.0.1:0");
        else host.WebHost.UseTestServer();
        host.Services.AddWebhookReceiver("platform", _ => { }).UseMemoryInbox()
            .HandleFallback((_, _, _) => handler?.Invoke() ?? Task.CompletedTask);
        host.Services.UseTestSender("platform", _sender, sockets ? await _sender.Feed.ListenAsync() : null).AddWebhookProbe(_probe);
        _app = host.Build();
        _app.MapWebhookReceiver("/hooks", "platform");
        await _app.StartAsync();
        _http = sockets ? new HttpClient { BaseAddress = new Uri(_app.Urls.First()) } : _app.GetTestClient();
        _sender.PostTo(_http, "/hooks");
    }
}
