using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>A feed that says when to come again, or nothing at all: it is given its time, and nothing else waits for it.</summary>
public sealed class FeedSilenceTests
{
    private const string Centuries = "9999999999";

    /// <summary>Intake, handlers and the stop of the application, with a number missing that only the feed has.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Feed_ThatTakesConnectionsAndNeverAnswers_DelaysNothing(bool memory)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var handled = new ConcurrentQueue<long>();
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint, options.FeedTimeout) =
                (new Uri($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/"), Sent.Endpoint, TimeSpan.FromMinutes(5)),
            builder => builder.HandleFallback((one, _, _) =>
            {
                handled.Enqueue(one.Seq!.Value);
                return Task.CompletedTask;
            }),
            memory: memory);
        using var asked = await silent.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        var slowest = TimeSpan.Zero;
        foreach (var seq in Enumerable.Range(1, 40).Append(42))
        {
            var began = TimeProvider.System.GetTimestamp();
            Assert.Equal(204, await app.DeliverAsync(seq));
            slowest = TimeProvider.System.GetElapsedTime(began) is var took && took > slowest ? took : slowest;
        }

        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(60));
        await app.UntilProcessedAsync(40);
        Assert.Equal(Enumerable.Range(1, 40).Select(seq => (long)seq), handled);
        Assert.Equal(new SeqRange(41, 41), Assert.Single((await app.StreamAsync()).Gaps));
        // It comes late after all, and nobody needs the feed any more.
        Assert.Equal(204, await app.DeliverAsync(41));
        await app.UntilProcessedAsync(42);
        var stopping = TimeProvider.System.GetTimestamp();
        await app.Services.GetServices<IHostedService>().OfType<ReceiverWorker>().Single().StopAsync(CancellationToken.None);
        Assert.InRange(TimeProvider.System.GetElapsedTime(stopping), TimeSpan.Zero, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Feed_ThatNeverAnswers_IsGivenUpAfterItsTime_AndAskedAgain()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var app = await TestApp.StartAsync(options => (options.FeedBaseAddress, options.Endpoint, options.FeedTimeout) =
            (new Uri($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/"), Sent.Endpoint, TimeSpan.FromMilliseconds(100)), memory: true);
        using var first = await silent.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError == "Unreachable");
        using var second = await silent.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
    }

    /// <summary>What is asked for is waited for, and an hour at most; what makes no sense counts as not said.</summary>
    [Theory]
    [InlineData(429, "30", 30)]
    [InlineData(503, "30", 30)]
    [InlineData(429, "date+30", 30)]
    [InlineData(503, "date+30", 30)]
    [InlineData(429, "date-30", 1)]
    [InlineData(429, "soon", 1)]
    [InlineData(429, "-5", 1)]
    [InlineData(429, "86400", 3600)]
    [InlineData(429, "2147483647", 3600)]
    [InlineData(429, Centuries, 1)]
    [InlineData(503, "date+864000", 3600)]
    public async Task RetryAfter_OfTheFeed_IsWaitedFor(int status, string said, int seconds)
    {
        // A date has whole seconds.
        var now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var clock = new ManualTimeProvider(now);
        await using var feed = await FeedServer.StartAsync(1);
        feed.Refusals.Enqueue(status);
        feed.RefusalRetryAfter = said.StartsWith("date", StringComparison.Ordinal)
            ? now.AddSeconds(int.Parse(said["date".Length..], CultureInfo.InvariantCulture)).ToString("R", CultureInfo.InvariantCulture)
            : said;
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint, options.FeedRetryMin, options.FeedRetryMax) =
                (feed.Address, Sent.Endpoint, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
            memory: true, services: services => services.AddSingleton<TimeProvider>(clock));
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).FeedError is not null);
        var source = app.Services.GetSource();

        // The wait of its own lies a fifth on either side of a second.
        clock.Advance(TimeSpan.FromSeconds(seconds == 1 ? 0.79 : seconds - 0.001));
        for (var turn = 0; turn < 20; turn++)
        {
            source.Missing.Set();
            await Wait.UntilAsync(() => Task.FromResult(!source.Missing.IsSet));
        }

        Assert.Single(feed.Reads);
        clock.Advance(TimeSpan.FromSeconds(seconds == 1 ? 0.42 : 0.002));
        await Wait.UntilAsync(() => Task.FromResult(feed.Reads.Count > 1));
    }

    [Fact]
    public async Task Feed_WithAVoidEvent_GoesOn_AndCallsNoHandler()
    {
        await using var feed = await FeedServer.StartAsync(3);
        feed.Events[2] = Sent.Void(2);
        var handled = new ConcurrentQueue<long>();
        await using var app = await TestApp.StartAsync(
            options => (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint),
            builder => builder.HandleFallback((one, _, _) =>
            {
                handled.Enqueue(one.Seq!.Value);
                return Task.CompletedTask;
            }));
        await app.UntilProcessedAsync(3);
        Assert.Equal([1L, 3L], handled);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((2L, 1L, 3L), (counts.Processed, counts.Void, counts.Backfilled));
    }
}
