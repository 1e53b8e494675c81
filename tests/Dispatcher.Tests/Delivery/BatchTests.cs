using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>Batch delivery (design 5.4): consecutive events in one signed request, accepted or refused as one; a failed one is halved down to the culprit.</summary>
public class BatchTests
{
    private static readonly EndpointSettings Batches = new("") { Batch = new BatchSettings { MaxEvents = 10 } };

    [Fact]
    public async Task Deliver_ManyWaiting_ComeInOrderInFullBatchesThatVerify()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Batches);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 1; i <= 25; i++) await platform.PublishAsync(application, $$"""{ "n" : {{i}} }""");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 25);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 25);

        Assert.Equal([(1, 10), (11, 20), (21, 25)], receiver.Requests.Select(Range));
        Assert.All(receiver.Requests, request => Assert.True(request.Verify(endpoint.Secret).IsValid));
        using var first = JsonDocument.Parse(receiver.Requests[0].Body);
        Assert.Equal("webhooks.batch", first.RootElement.GetProperty("type").GetString());
        Assert.Equal(endpoint.Id.Value, first.RootElement.GetProperty("endpoint").GetString());
        var named = SHA256.HashData(Encoding.UTF8.GetBytes($"{endpoint.Id}\n1\n1\n10"));
        Assert.Equal("batch_" + Convert.ToHexStringLower(named)[..32], receiver.Requests[0].WebhookId);
        Assert.Equal(receiver.Requests[0].WebhookId, first.RootElement.GetProperty("id").GetString());
        var envelopes = first.RootElement.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(Enumerable.Range(1, 10), envelopes.Select(envelope => envelope.GetProperty("seq").GetInt32()));
        Assert.Equal("""{ "n" : 3 }""", envelopes[2].GetProperty("data").GetRawText());
        Assert.Equal(1, envelopes[0].GetProperty("epoch").GetInt32());
    }

    /// <summary>A batch that is full does not wait; one that is not goes out once its time is over.</summary>
    [Fact]
    public async Task Deliver_MaxWait_GathersWhatComesWithinIt()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(
            receiver.Url, new EndpointSettings("") { Batch = new BatchSettings { MaxEvents = 5, MaxWait = TimeSpan.FromSeconds(60) } });
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal([(1, 5), (6, 10)], receiver.Requests.Select(Range));

        var (hasty, impatient) = await platform.AddEndpointAsync(
            receiver.Url, new EndpointSettings("") { Batch = new BatchSettings { MaxEvents = 5, MaxWait = TimeSpan.FromMilliseconds(200) } });
        for (var i = 0; i < 2; i++) await platform.PublishAsync(hasty);
        await platform.WaitForStreamAsync(impatient.Id, stream => stream.Cursor == 2);
    }

    [Fact]
    public async Task Deliver_LargeEvents_KeepsToMaxBytesAndSendsALargerOneAlone()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { Batch = new BatchSettings { MaxBytes = 20_000 } });
        await platform.Endpoints.PauseAsync(endpoint.Id);
        foreach (var size in (int[])[8_000, 8_000, 8_000, 100_000, 10, 10])
            await platform.PublishAsync(application, $$"""{"x":"{{new string('x', size)}}"}""");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 6);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 6);
        Assert.Equal([(1, 2), (3, 3), (4, 4), (5, 6)], receiver.Requests.Select(Range));
        Assert.All(receiver.Requests.Where(request => Range(request).From != 4), request => Assert.InRange(request.Body.Length, 1, 20_000));
    }

    [Fact]
    public async Task Deliver_OneEventRefused_IsHalvedToTheCulpritAsOneFailure()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(request => Range(request) is var (from, to) && from <= 7 && to >= 7 ? ScriptedAnswer.Of(500, "no sevens") : ScriptedAnswer.NoContent);
        await using var platform = await Platform.StartAsync(options =>
        {
            options.Delivery.Waits.Clear();
            options.Delivery.Waits.Add(TimeSpan.FromMinutes(10));
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Batches);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 10);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.ConsecutiveFailures > 0);
        Assert.Equal((6, 1, EndpointStatus.Active), (stream.Cursor, stream.ConsecutiveFailures, stream.Status));
        Assert.Equal((7, 7), Range(receiver.Requests[^1]));
        Assert.Equal("no sevens", await platform.ScalarAsync<string>("SELECT detail FROM webhooks.attempt WHERE seq = 7 ORDER BY attempt DESC LIMIT 1"));
        Assert.StartsWith("batch of 10: ", await platform.ScalarAsync<string>("SELECT detail FROM webhooks.attempt ORDER BY attempt LIMIT 1"));

        // An operator gives up on it, and the rest goes out.
        await platform.Endpoints.SkipAsync(endpoint.Id, 7);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 10);
        Assert.Equal("7", await platform.ScalarAsync<string>("SELECT first_seq::text FROM webhooks.settlement WHERE outcome = 'skipped'"));
    }

    [Fact]
    public async Task Deliver_BatchAnsweredWithRetryAfter_IsLeftAloneForThatLong()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Of(503).WithHeader("Retry-After", "1"));
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { Batch = new BatchSettings { MaxEvents = 50 } });
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => platform.PublishAsync(application)));
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 50);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 50);
        // After a failure it begins small, and grows.
        var (refused, next) = (receiver.Requests[0], receiver.Requests[1]);
        Assert.Equal(((1, 50), 1L), (Range(refused), Range(next).Item1));
        Assert.True(next.ArrivedAt - refused.ArrivedAt >= TimeSpan.FromMilliseconds(950), "It was not left alone for as long as it asked.");
    }

    [Fact]
    public async Task Deliver_410ToABatch_PausesAtOnceWithoutHalving()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.Of(410));
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, Batches);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 10; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 10);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.PauseReason == PauseReason.Gone);
        Assert.Equal(1, receiver.Count);
    }

    [Fact]
    public void Cut_Sizes_EndsAtEventsOrBytesButTakesOne()
    {
        var size = new BatchSize(new BatchSettings { MaxEvents = 4, MaxBytes = 2000 }, cautious: false);
        Assert.Equal((4, true), size.Cut(Items(10, 10, 10, 10, 10)));
        Assert.Equal((3, false), size.Cut(Items(10, 10, 10)));
        Assert.Equal((1, true), size.Cut(Items(1500, 10)));
        Assert.Equal((1, false), size.Cut(Items(50_000)));
        size.Failed(4);
        Assert.Equal((2, true), size.Cut(Items(10, 10, 10)));
        size.Failed(2);
        size.Failed(1);
        Assert.Equal((1, true), size.Cut(Items(10, 10, 10)));
        for (var i = 0; i < 5; i++) size.Succeeded();
        Assert.Equal((4, true), size.Cut(Items(10, 10, 10, 10, 10)));
        Assert.Equal((1, true), new BatchSize(new BatchSettings(), cautious: true).Cut(Items(10, 10)));
    }

    private static IEnumerable<DeliveryItem> Items(params int[] sizes) =>
        sizes.Select((size, i) => new DeliveryItem(i + 1, Guid.NewGuid(), "t", DateTimeOffset.UnixEpoch, new byte[size]));

    private static (long From, long To) Range(CapturedRequest request)
    {
        using var body = JsonDocument.Parse(request.Body);
        var seq = body.RootElement.GetProperty("seq");
        return (seq.GetProperty("from").GetInt64(), seq.GetProperty("to").GetInt64());
    }
}
