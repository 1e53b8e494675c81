using System.Collections.Concurrent;
using System.Diagnostics;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Promise 3 for relaxed endpoints: several at once, and a failing event holds up no other; promise 6 counts a blip once.</summary>
public class RelaxedTests
{
    private const string Ahead = "SELECT coalesce((SELECT cardinality(ahead)::bigint FROM webhooks.settlement ORDER BY settlement DESC LIMIT 1), 0)";

    private static readonly EndpointSettings Relaxed = new("") { Ordering = EndpointOrdering.Relaxed, MaxInFlight = 8 };

    [Fact]
    public async Task Deliver_SlowReceiver_GetsUpToMaxInFlightAtOnceAndNoMore()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        // Each is answered 90 ms after it came, at the earliest: what comes within 80 ms is under way at once. The first waits for a second one.
        var came = new ConcurrentQueue<TimeSpan>();
        var clock = Stopwatch.StartNew();
        var second = receiver.WaitForAsync(2);
        receiver.Respond(_ =>
        {
            came.Enqueue(clock.Elapsed);
            return ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(90), After = second };
        });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 80).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 80);
        Assert.InRange(came.Max(first => came.Count(other => other >= first && other - first < TimeSpan.FromMilliseconds(80))), 1, 8);
        Assert.Equal(Enumerable.Range(1, 80).Select(seq => (long)seq), receiver.Requests.Select(Wire.Seq).Order());
        Assert.Equal(80, await platform.ScalarAsync<long>("SELECT sum(last_seq - first_seq + 1)::bigint FROM webhooks.settlement WHERE outcome = 'delivered'"));
    }

    [Fact]
    public async Task Deliver_OnePoisonedEvent_OthersPassItAndItEndsExhaustedButInTheFeed()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 3 ? ScriptedAnswer.Of(500, "poison") : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(60));
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(80));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => platform.PublishAsync(application)));
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 40);
        Assert.Equal(EndpointStatus.Active, stream.Status);
        // Its schedule has three waits: four attempts. News comes all the while, or it could be the endpoint's fault.
        await Platform.UntilAsync(async () =>
        {
            await platform.PublishAsync(application);
            return await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement WHERE outcome = 'exhausted' AND first_seq = 3 AND last_seq = 3") == 1;
        }, "it is given up");
        Assert.Equal(4, receiver.Requests.Count(request => Wire.Seq(request) == 3));
        Assert.Equal([1, 2, 3, 4], await platform.ListAsync<int>("SELECT number FROM webhooks.attempt WHERE seq = 3 ORDER BY attempt"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred"));
        Assert.Equal("3", await platform.ScalarAsync<string>("SELECT data->>'seq' FROM webhooks.operational_event WHERE type = 'delivery.exhausted'"));
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var page = await feed.ReadAsync(2, 1);
        Assert.Equal([3], page.Seqs);
    }

    [Fact]
    public async Task Deliver_EventFailsAlone_HoldsUpNothingPublishedMeanwhile()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 1 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMinutes(10));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await platform.PublishAsync(application);
        await receiver.WaitForAsync(1);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1 && stream.ConsecutiveFailures == 1);
        for (var i = 2; i <= 5; i++)
        {
            await platform.PublishAsync(application);
            await receiver.WaitForAsync(i);
        }

        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 5);
        Assert.Equal((EndpointStatus.Active, 0), (stream.Status, stream.ConsecutiveFailures));
    }

    [Fact]
    public async Task Deliver_OneBlipUnderManyInFlight_CountsAsOneFailureAndThreeBlipsPause()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var several = receiver.WaitForAsync(2);
        receiver.Respond(_ => ScriptedAnswer.Of(500) with { DelayBefore = TimeSpan.FromMilliseconds(30), After = several });
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromHours(1));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed with { MaxInFlight = 64, FailureThreshold = 2 });
        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => platform.PublishAsync(application)));
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.ConsecutiveFailures > 0);
        Assert.Equal((1, EndpointStatus.Active, 0), (stream.ConsecutiveFailures, stream.Status, stream.Cursor));
        // Those in flight, and one second opinion.
        Assert.InRange(receiver.Count, 1, 65);
        // Each of them is on record, under the one number that counts.
        Assert.Equal(receiver.Count, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.attempt WHERE number = 1"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred"));
        // The wait is over.
        await Platform.UntilAsync(
            async () => await platform.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = now(), counted_until = now() WHERE lease_owner IS NULL") == 1, "it is handed back");
        stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal((PauseReason.Failing, 2), (stream.PauseReason, stream.ConsecutiveFailures));
        receiver.Respond(null);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 200);
    }

    [Fact]
    public async Task Deliver_410UnderManyInFlight_PausesAtOnceAndKeepsWhatWasAccepted()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var (accepted, paused) = (new TaskCompletionSource(), new TaskCompletionSource());
        receiver.Respond(request => Wire.Seq(request) switch
        {
            1 => ScriptedAnswer.NoContent with { After = paused.Task },
            2 => ScriptedAnswer.Of(410) with { After = accepted.Task },
            _ => ScriptedAnswer.NoContent,
        });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => platform.PublishAsync(application)));
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>(Ahead) == 6, "3 to 8 are ahead");
        accepted.SetResult();
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused && stream.PauseReason == PauseReason.Gone);
        paused.SetResult();
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        Assert.Equal(EndpointStatus.Paused, stream.Status);
        var before = receiver.Count;
        receiver.Respond(null);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 8);
        // Only what was not accepted comes again.
        Assert.Equal([2], receiver.Requests.Skip((int)before).Select(Wire.Seq));
    }

    [Fact]
    public async Task Deliver_410After429_PausesAllTheSame()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        // Both are under way, and the 429 has been written before the 410 is.
        var both = receiver.WaitForAsync(2);
        receiver.Respond(request => Wire.Seq(request) == 1
            ? ScriptedAnswer.Of(429) with { After = both }
            : ScriptedAnswer.Of(410) with { After = both, DelayBefore = TimeSpan.FromMilliseconds(400) });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed with { MaxInFlight = 2 });
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 2; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 2);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Gone);
    }

    /// <summary>An event becomes due beside the stream while a request hangs: the other places go on being used.</summary>
    [Fact]
    public async Task Deliver_RetryComesDueWhileOneHangs_TheStreamGoesOn()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var refused = 0;
        receiver.Respond(request => Wire.Seq(request) switch
        {
            5 when Interlocked.Increment(ref refused) <= 2 => ScriptedAnswer.Of(500),
            8 => ScriptedAnswer.Never,
            _ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(10) },
        });
        await using var platform = await Platform.StartAsync(options => options.Sending.Timeout = TimeSpan.FromMinutes(2));
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => platform.PublishAsync(application)));
        await receiver.WaitForAsync(201, TimeSpan.FromSeconds(60));
        Assert.Equal(200, receiver.Requests.Select(Wire.Seq).Distinct().Count());
        await platform.StopAsync(TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Each comes when all before it have been sent and hang: there was nothing more to send when the lane before began.</summary>
    [Fact]
    public async Task Deliver_OneComesWhileOthersHang_IsSentBesideThem()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Never);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Sending.Timeout = TimeSpan.FromMinutes(2);
            options.Delivery.Linger = TimeSpan.FromMilliseconds(50);
        });
        var (application, _) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        for (var i = 1; i <= 8; i++)
        {
            await platform.PublishAsync(application);
            await receiver.WaitForAsync(i);
            // Longer than an idle endpoint is kept.
            await Task.Delay(100);
        }

        Assert.Equal(Enumerable.Range(1, 8).Select(seq => (long)seq), receiver.Requests.Select(Wire.Seq));
        await platform.StopAsync(TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Whether it is the event or the endpoint that is at fault, the next event shows; not the one that hangs.</summary>
    [Fact]
    public async Task Deliver_OneComesAfterAFailureWhileAnotherHangs_GivesTheSecondOpinion()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) switch
        {
            1 => ScriptedAnswer.Never,
            2 => ScriptedAnswer.Of(500),
            _ => ScriptedAnswer.NoContent,
        });
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Sending.Timeout = TimeSpan.FromMinutes(2);
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromHours(1));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        for (var i = 1; i <= 2; i++)
        {
            await platform.PublishAsync(application);
            await receiver.WaitForAsync(i);
        }

        // The failure is known before the next one comes.
        await Task.Delay(300);
        await platform.PublishAsync(application);
        await receiver.WaitForAsync(3);
        // It was the event's: it is tried again beside the stream.
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred WHERE seq = 2") == 1, "2 is deferred");
        Assert.Equal(0, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).ConsecutiveFailures);
        await platform.StopAsync(TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Those that wait for their turn have not begun: 410 pauses at once.</summary>
    [Fact]
    public async Task Deliver_410WhileOthersWaitForTheRateLimit_NoneOfThemIsSent()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(410));
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed with { RateLimit = 1 });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Gone);
        // Handed back, so that none is left that could still be sent.
        await Platform.UntilAsync(
            async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.delivery_state WHERE lease_owner IS NULL") == 1, "it is handed back");
        Assert.Equal(1, receiver.Count);
    }

    /// <summary>What is numbered while an endpoint is put to rest must not wait with the event that failed.</summary>
    [Fact]
    public async Task Rest_EventNumberedMeanwhile_IsDueAtOnce()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), Relaxed);
        await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var lease = Assert.Single(await platform.ClaimAsync(1));
        Assert.True(await platform.Get<Settler>().SettleAsync(lease, new Settlement(0, [new SettledRun(1, 1, "deferred")], 1, []), forgetFailures: false));
        await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(application), default);
        var failure = new AttemptResult(AttemptOutcome.HttpError, 500);
        var decision = new FailureDecision(new StreamState(1, 1, null, false), null, true, TimeSpan.FromMinutes(10));
        Assert.True(await platform.Get<LeaseStore>().FailAsync(lease, 1, failure, decision, FailureForm.Rest, default));
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT seq FROM webhooks.delivery ORDER BY seq DESC LIMIT 1"));
        Assert.Single(await platform.ClaimAsync(1));
    }

    [Fact]
    public async Task Deliver_NodeDiesWithAcknowledgementsAhead_TheNextSendsOnlyTheRest()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 1 ? ScriptedAnswer.Never : ScriptedAnswer.NoContent);
        await using var dying = await Platform.StartAsync(options =>
        {
            options.Sending.Timeout = TimeSpan.FromMinutes(2);
            options.Delivery.SettleInterval = TimeSpan.Zero;
        });
        var (application, endpoint) = await dying.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => dying.PublishAsync(application)));
        await Platform.UntilAsync(async () => await dying.ScalarAsync<long>(Ahead) == 19, "19 are ahead");
        Assert.Equal(0, (await dying.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);
        await dying.StopAsync(TimeSpan.FromMilliseconds(100));
        var before = (int)receiver.Count;
        receiver.Respond(null);
        await using var next = await Platform.StartAsync(connectionString: dying.ConnectionString);
        await next.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 20);
        Assert.Equal([1], receiver.Requests.Skip(before).Select(Wire.Seq));
    }

    [Fact]
    public async Task Rewind_WithDeferredEvents_SendsAllAgainAndEachIsSettled()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Wire.Seq(request) == 2 ? ScriptedAnswer.Of(500) : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMinutes(10));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal(2, await platform.ScalarAsync<long>("SELECT seq FROM webhooks.deferred"));
        receiver.Respond(null);
        await platform.Endpoints.ResumeAsync(endpoint.Id, after: 0);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>(
            "SELECT coalesce(sum(last_seq - first_seq + 1), 0)::bigint FROM webhooks.settlement WHERE outcome = 'delivered'") == 19, "9 and then 10 are delivered");
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred"));
    }

    /// <summary>What was in flight, ahead or deferred when an endpoint becomes strict stays so; order holds from there on.</summary>
    [Fact]
    public async Task Update_RelaxedBecomesStrict_GoesOnInOrderWithoutLoss()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var updated = new TaskCompletionSource();
        receiver.Respond(request => Wire.Seq(request) switch
        {
            1 => ScriptedAnswer.Of(500),
            <= 20 => ScriptedAnswer.NoContent,
            _ => ScriptedAnswer.NoContent with { After = updated.Task },
        });
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => platform.PublishAsync(application)));
        await receiver.WaitForAsync(request => Wire.Seq(request) > 20);
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()));
        receiver.Respond(null);
        updated.SetResult();
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 100);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.deferred") == 0, "the deferred one is delivered");
        var later = receiver.Requests.Select(Wire.Seq).Reverse().Take(20).Where(seq => seq > 60).ToList();
        Assert.Equal(later.OrderDescending(), later);
        Assert.Equal(100, receiver.Requests.Select(Wire.Seq).Distinct().Count());
    }

    /// <summary>What was delivered before its turn is never said to be skipped or expired, whatever the cursor passes over.</summary>
    [Theory]
    [InlineData(false, "skipped")]
    [InlineData(true, "expired")]
    public async Task PassedOver_WithSomeDeliveredAhead_TheseAreDeliveredAndTheOthersAreNot(bool expires, string outcome)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Relaxed);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 10);
        await platform.ExecuteAsync(
            """
            INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor, ahead)
            SELECT bucket, endpoint, 1, 0, 'delivered', 0, '{3,4,7}' FROM webhooks.stream
            """);
        if (expires) await platform.Get<StreamControl>().RaiseFloorAsync(endpoint.Id, 9, default);
        else await platform.Endpoints.ResumeAsync(endpoint.Id, 8);
        Assert.Equal(
            [$"1-2 {outcome}", "3-3 delivered", "4-4 delivered", $"5-6 {outcome}", "7-7 delivered", $"8-8 {outcome}"],
            (await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq || ' ' || outcome FROM webhooks.settlement WHERE first_seq <= last_seq AND last_seq <= 8 ORDER BY first_seq")));
        if (expires) await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal([9, 10], receiver.Requests.Select(Wire.Seq).Order());
    }
}
