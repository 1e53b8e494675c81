using System.Net;
using System.Text;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Feed;

/// <summary>Design 4.2: the same envelopes in order, signed, bounded, final.</summary>
public class FeedReadTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9/");

    [Fact]
    public async Task Read_PageByPage_GivesTheVeryEnvelopesSigned()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        for (var i = 1; i <= 25; i++) await platform.PublishAsync(application, $$""" {"n" : {{i}}, "big":12345678901234567890.0, "odd":"\ud800" } """);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 25);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);

        var page = await feed.ReadAsync(0, 10);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.True(page.Verifies(endpoint.Secret));
        Assert.False((page with { RequestId = "req-other" }).Verifies(endpoint.Secret));
        Assert.Equal(Enumerable.Range(1, 10).Select(n => (long)n), page.Seqs);
        Assert.True(page.Body.GetProperty("has_more").GetBoolean());
        Assert.Equal(endpoint.Id.Value, page.Body.GetProperty("endpoint").GetString());
        Assert.Equal((1, 1, 1L, 25L, 25L, "active"), (page.Body.GetProperty("epoch").GetInt32(), page.Body.GetProperty("epoch_start").GetInt32(),
            page.Body.GetProperty("floor").GetInt64(), page.Body.GetProperty("head").GetInt64(), page.Body.GetProperty("cursor").GetInt64(), page.Body.GetProperty("status").GetString()));
        // Byte for byte what was delivered.
        Assert.All(page.Body.GetProperty("data").EnumerateArray().Index(), it => Assert.Equal(receiver.Requests[it.Index].Text, it.Item.GetRawText()));

        var last = await feed.ReadAsync(20, 1000);
        Assert.Equal([21, 22, 23, 24, 25], last.Seqs);
        Assert.False(last.Body.GetProperty("has_more").GetBoolean());
        Assert.Empty((await feed.ReadAsync(25)).Seqs);
        Assert.Empty((await feed.ReadAsync(1000)).Seqs);
        Assert.Empty((await feed.ReadAsync(long.MaxValue)).Seqs);
    }

    [Fact]
    public async Task Read_LargeEvents_PageEndsAtFourMegabytes()
    {
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var data = "\"" + new string('x', 500_000) + "\"";
        for (var i = 0; i < 12; i++) await platform.PublishAsync(application, data);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 12);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var page = await feed.ReadAsync(0, 1000);
        Assert.InRange(page.Bytes.Length, 1, 4 * 1024 * 1024);
        Assert.True(page.Body.GetProperty("has_more").GetBoolean());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], page.Seqs);
        Assert.Equal<long[]>([9, 10, 11, 12], (await feed.ReadAsync(8, 1000)).Seqs);
    }

    [Theory]
    [InlineData("?after=-1")]
    [InlineData("?after=x")]
    [InlineData("?after=1.0")]
    [InlineData("?after=%201")]
    [InlineData("?after=99999999999999999999")]
    [InlineData("?after=1&after=2")]
    [InlineData("?limit=0")]
    [InlineData("?limit=1001")]
    [InlineData("?limit=")]
    public async Task Read_MalformedQuery_Is400(string query)
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(Nowhere);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var answer = await feed.ReadAsync(0, query: query);
        Assert.Equal((HttpStatusCode.BadRequest, "malformed_request"), (answer.Status, answer.Code));
        var details = answer.Body.GetProperty("error").GetProperty("details").EnumerateObject().Single();
        Assert.Equal(query[1..6], details.Name);
        Assert.StartsWith("req_", answer.Header("X-Request-Id"));
    }

    [Fact]
    public async Task Read_WithoutALiveSecret_Is401AndTellsNothing()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var (_, other) = await platform.AddEndpointAsync(Nowhere);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        using var stranger = new FeedClient(platform, endpoint.Id, WebhookSecret.Generate());
        using var neighbour = new FeedClient(platform, endpoint.Id, other.Secret);
        using var unknown = new FeedClient(platform, WebhookEndpointId.New(), endpoint.Secret);
        foreach (var answer in new[]
        {
            await stranger.ReadAsync(0), await neighbour.ReadAsync(0), await unknown.ReadAsync(0), await stranger.ResumeAsync(0),
            // Signed for another page, another endpoint, or as another kind of message.
            await feed.ReadAsync(0, signed: SignedContent.FeedRequest(endpoint.Id.Value, 1, 100)),
            await feed.ReadAsync(0, signed: SignedContent.FeedRequest(other.Id.Value, 0, 100)),
            await feed.ReadAsync(0, signed: SignedContent.ResumeRequest(endpoint.Id.Value, 1, 0)),
            await feed.ReadAsync(0, signed: Encoding.UTF8.GetBytes($"{{\"endpoint\":\"{endpoint.Id}\"}}")),
        })
        {
            Assert.Equal((HttpStatusCode.Unauthorized, "unauthenticated", ""), (answer.Status, answer.Code, answer.Header(WebhookHeaders.Signature)));
        }

        Assert.Equal(HttpStatusCode.OK, (await feed.ReadAsync(0)).Status);
    }

    /// <summary>Promise 7: live secrets are read for every request.</summary>
    [Fact]
    public async Task Read_RevokedSecret_EndsAtOnce()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(Nowhere);
        var fresh = await platform.Endpoints.RotateSecretAsync(endpoint.Id);
        using var old = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        using var both = new FeedClient(platform, endpoint.Id, fresh, endpoint.Secret);
        var answer = await old.ReadAsync(0);
        Assert.True(answer.Verifies(fresh));
        Assert.True(answer.Verifies(endpoint.Secret));
        await platform.Endpoints.RevokeSecretAsync(endpoint.Id, endpoint.Secret.Fingerprint);
        Assert.Equal(HttpStatusCode.Unauthorized, (await old.ReadAsync(0)).Status);
        answer = await both.ReadAsync(0);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.False(answer.Verifies(endpoint.Secret));
    }

    [Fact]
    public async Task Read_TooOften_Is429()
    {
        await using var platform = await Platform.StartAsync(worker: false);
        var (_, endpoint) = await platform.AddEndpointAsync(Nowhere);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        // However long the machine takes for them, one of these rounds comes within a few seconds.
        var answers = new List<FeedResult>();
        for (var round = 0; round < 20 && answers.TrueForAll(answer => answer.Status != HttpStatusCode.TooManyRequests); round++)
            answers.AddRange(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => feed.ReadAsync(0))));
        Assert.Contains(answers, answer => answer.Status == HttpStatusCode.OK);
        var refused = answers.First(answer => answer.Status == HttpStatusCode.TooManyRequests);
        Assert.Equal(("rate_limited", TimeSpan.FromSeconds(1)), (refused.Code, refused.Response.Headers.RetryAfter!.Delta));
        Assert.True(refused.Verifies(endpoint.Secret));
    }

    [Fact]
    public async Task Read_PausedOrDeletedOrForbidden_IsAnsweredByItsName()
    {
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 1);
        var paused = await feed.ReadAsync(0);
        Assert.Equal(("paused", "manual"), (paused.Body.GetProperty("status").GetString(), paused.Body.GetProperty("pause_reason").GetString()));
        Assert.Equal([1], paused.Seqs);

        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(Nowhere.ToString()) { ReceiverAccess = ReceiverAccess.Feed });
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), await CodeAsync(feed.ResumeAsync(0)));
        Assert.Equal(HttpStatusCode.OK, (await feed.ReadAsync(0)).Status);
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(Nowhere.ToString()) { ReceiverAccess = ReceiverAccess.None });
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), await CodeAsync(feed.ReadAsync(0)));
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        Assert.Equal((HttpStatusCode.Gone, "endpoint_deleted"), await CodeAsync(feed.ReadAsync(0)));
    }

    /// <summary>A feed answer is final: no seq up to its head becomes visible later.</summary>
    [Fact]
    public async Task Read_WhileEventsCome_NoNumberUpToTheHeadAppearsLater()
    {
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(Nowhere);
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        var publishing = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++) await platform.PublishAsync(application);
        })));
        while (!publishing.IsCompleted)
        {
            var page = await feed.ReadAsync(0, 1000);
            if (page.Status != HttpStatusCode.OK) continue;
            Assert.Equal(Enumerable.Range(1, (int)page.Body.GetProperty("head").GetInt64()).Select(n => (long)n), page.Seqs);
        }

        await publishing;
    }

    private static async Task<(HttpStatusCode Status, string Code)> CodeAsync(Task<FeedResult> asking) => await asking is var answer ? (answer.Status, answer.Code) : default;
}
