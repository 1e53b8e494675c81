using System.Diagnostics;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 9, and what an endpoint may ask for: no faster than this, no more at once than that.</summary>
public class LimitTests
{
    [Theory]
    [InlineData(EndpointOrdering.Strict)]
    [InlineData(EndpointOrdering.Relaxed)]
    public async Task Deliver_RateLimit_IsKept(EndpointOrdering ordering)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { RateLimit = 20, Ordering = ordering });
        var since = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 23).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 23);
        // One every 50 ms; when something was late two may follow at once, and one more if the endpoint changed hands.
        Assert.True(since.Elapsed >= TimeSpan.FromMilliseconds(900), $"23 events at 20 a second came within {since.Elapsed}.");
    }

    [Fact]
    public async Task Pause_EndpointWaitsForItsPace_ReturnsAtOnceAndNothingIsSentAfter()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { RateLimit = 1 });
        for (var i = 0; i < 5; i++) await platform.PublishAsync(application);
        await receiver.WaitForAsync(1);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        var sent = receiver.Count;
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await receiver.WaitForAsync((int)sent + 1);
        Assert.Equal(receiver.Requests.Select(Wire.Seq).Order(), receiver.Requests.Select(Wire.Seq));
    }

    /// <summary>More endpoints hang than there are places: after a second they are counted apart, and the one that answers is not held up by their time-out.</summary>
    [Fact]
    public async Task Deliver_MoreEndpointsHangThanPlaces_OthersGoOn()
    {
        await using var hanging = await ScriptedReceiver.StartAsync();
        hanging.Respond(_ => ScriptedAnswer.Never);
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.MaxConcurrentSends = 4;
            options.Sending.Timeout = TimeSpan.FromMinutes(2);
        });
        for (var i = 0; i < 8; i++)
        {
            var (application, _) = await platform.AddEndpointAsync(hanging.Url);
            await platform.PublishAsync(application);
        }

        await hanging.WaitForAsync(8, TimeSpan.FromSeconds(60));
        var (healthy, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 0; i < 20; i++) await platform.PublishAsync(healthy);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 20);
        await platform.StopAsync(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task ReadAhead_BudgetUsedUp_GoesOnWithOneEventAtATime()
    {
        await using var receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { KeepBodies = false });
        var answering = new TaskCompletionSource();
        receiver.Respond(_ => ScriptedAnswer.NoContent with { After = answering.Task });
        const long Size = 5008;
        await using var platform = await Platform.StartAsync(options => options.Delivery.ReadAheadBudget = 100_000);
        var application = await platform.Applications.CreateAsync("customer");
        var endpoints = new List<WebhookEndpointId>();
        for (var i = 0; i < 20; i++)
        {
            endpoints.Add((await platform.Endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()))).Id);
            await platform.Endpoints.PauseAsync(endpoints[i]);
        }

        for (var i = 0; i < 40; i++) await platform.PublishAsync(application, $$"""{"x":"{{new string('x', 5000)}}"}""");
        // What is numbered while it is sent is handed over from memory, where all endpoints share it.
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery") == 800, "all are numbered");
        await platform.Endpoints.ResumeAsync(endpoints[0]);
        await receiver.WaitForAsync(1);
        // One endpoint's share, which is more than the budget; the first of it is under way, and held no more.
        var held = platform.Get<ReadAhead>().HeldBytes;
        Assert.InRange(held, 100_000, 39 * Size);
        foreach (var endpoint in endpoints[1..]) await platform.Endpoints.ResumeAsync(endpoint);
        await receiver.WaitForAsync(20);
        // Each of the others has one under way, and one behind it at most.
        Assert.InRange(platform.Get<ReadAhead>().HeldBytes, held, held + (19 * Size));
        answering.SetResult();
        foreach (var endpoint in endpoints)
            await Platform.UntilAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint)).Cursor == 40, "all is delivered");
        await Platform.UntilAsync(() => Task.FromResult(platform.Get<ReadAhead>().HeldBytes == 0), "all was given back");
    }

    [Fact]
    public void Pace_AnyTimes_NeverExceedsTheLimitByMoreThanTheBurst()
    {
        var random = new Random(7);
        foreach (var limit in (int[])[1, 3, 20, 1000, 100_000])
        {
            var pace = new Pace(limit);
            var now = TimeSpan.Zero;
            var sent = new List<TimeSpan>();
            for (var i = 0; i < 2000; i++)
            {
                var wait = pace.Take(now);
                Assert.True(wait >= TimeSpan.Zero);
                now += wait;
                sent.Add(now);
                if (random.Next(10) == 0) now += TimeSpan.FromSeconds(random.NextDouble() * 20 / limit);
            }

            var inASecond = sent.Select((at, i) => sent.Skip(i).TakeWhile(other => other < at + TimeSpan.FromSeconds(1)).Count()).Max();
            Assert.InRange(inASecond, Math.Min(limit, 1000) / 2, limit + Math.Max(1, limit / 10) + 1);
        }
    }
}
