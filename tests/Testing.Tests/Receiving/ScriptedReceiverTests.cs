using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Webhooks.Testing.Tests;

public sealed class ScriptedReceiverTests : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(30) };

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Request_IsCapturedWhole_AndAnswered204()
    {
        var clock = new ManualTimeProvider();
        await using var receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { Clock = clock });
        byte[] body = [0, 1, 2, 255, .. Encoding.UTF8.GetBytes("žluťoučký"), .. new byte[300_000]];
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(receiver.Url, "a%20b/c?d=e")) { Content = new ByteArrayContent(body) };
        request.Headers.Add("X-Twice", ["one", "two"]);
        using var answer = await _http.SendAsync(request);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var captured = Assert.Single(receiver.Requests);
        Assert.Equal(("PUT", "/a%20b/c?d=e", 1L), (captured.Method, captured.Path, captured.Number));
        Assert.Equal(body, captured.Body.ToArray());
        Assert.Equal("one, two", captured.Header("x-twice"));
        Assert.Null(captured.Header("absent"));
        Assert.Equal(clock.GetUtcNow(), captured.ArrivedAt);
    }

    [Fact]
    public async Task Script_IsUsedInOrder_ThenTheFunction_Then204()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(
            ScriptedAnswer.Of(503, "busy").WithHeader("Retry-After", "7"), ScriptedAnswer.Of(410), ScriptedAnswer.Redirect("http://elsewhere/"));
        receiver.Respond(r => ScriptedAnswer.Of(r.Text == "bad" ? 400 : 200));

        using var busy = await PostAsync(receiver, "x");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(7)), (busy.StatusCode, busy.Headers.RetryAfter!.Delta));
        Assert.Equal("busy", await busy.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Gone, await StatusAsync(receiver, "x"));
        using var redirect = await PostAsync(receiver, "x");
        Assert.Equal((HttpStatusCode.TemporaryRedirect, new Uri("http://elsewhere/")), (redirect.StatusCode, redirect.Headers.Location));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(receiver, "bad"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(receiver, "good"));
        receiver.Respond(null);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(receiver, "x"));
    }

    [Fact]
    public async Task Reset_BeforeReading_CapturesNoBody_AfterReading_AllOfIt()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.ResetBeforeReading, ScriptedAnswer.ResetAfterReading);
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(receiver, "one"));
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(receiver, "two"));
        Assert.Equal(["", "two"], (await receiver.WaitForAsync(2)).Select(r => r.Text));
    }

    [Fact]
    public async Task Never_LeavesTheClientWaiting_AndStopEndsIt()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Never);
        var answer = PostAsync(receiver, "x");
        await receiver.WaitForAsync(1);
        Assert.False(answer.IsCompleted);
        await receiver.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => answer);
    }

    [Fact]
    public async Task DelayBefore_FollowsTheClock()
    {
        var clock = new ManualTimeProvider();
        await using var receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { Clock = clock });
        receiver.Enqueue(ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMinutes(2) });
        var answer = PostAsync(receiver, "x");
        await clock.WaitForTimersAsync(1);
        Assert.False(answer.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(2));
        using var _ = await answer;
    }

    [Fact]
    public async Task After_HoldsTheAnswerUntilItHasHappened()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var happened = new TaskCompletionSource();
        receiver.Enqueue(ScriptedAnswer.Of(202) with { After = happened.Task });
        var answer = PostAsync(receiver, "x");
        await receiver.WaitForAsync(1);
        Assert.False(answer.IsCompleted);
        happened.SetResult();
        using var given = await answer;
        Assert.Equal(HttpStatusCode.Accepted, given.StatusCode);
    }

    [Fact]
    public async Task SlowBody_ComesByteByByte()
    {
        var clock = new ManualTimeProvider();
        await using var receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { Clock = clock });
        receiver.Enqueue(ScriptedAnswer.SlowBody(3, TimeSpan.FromSeconds(1)));
        using var request = new HttpRequestMessage(HttpMethod.Post, receiver.Url);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await answer.Content.ReadAsStreamAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal('.', body.ReadByte());
            await clock.WaitForTimersAsync(1);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(-1, body.ReadByte());
    }

    [Fact]
    public async Task EndlessBody_EndsWhenTheClientDoes()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.EndlessBody);
        using (var answer = await _http.GetAsync(receiver.Url, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await answer.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[1_000_000]);
        }

        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(receiver, "next"));
    }

    [Fact]
    public async Task Outage_IsConnectionRefused_AndEndsOnTheSamePort()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var url = receiver.Url;
        for (var outage = 0; outage < 3; outage++)
        {
            Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(receiver, "x"));
            await receiver.StopAsync();
            // One that has no connection from before, which it might still take for open.
            using var newcomer = new HttpClient();
            var refused = await Assert.ThrowsAsync<HttpRequestException>(() => newcomer.PostAsync(receiver.Url, new StringContent("x")));
            Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(refused.InnerException).SocketErrorCode);
            await receiver.StartAgainAsync();
            Assert.Equal(url, receiver.Url);
        }

        Assert.Equal(3, receiver.Count);
    }

    [Fact]
    public async Task Wait_ForOneThatCame_ForOneToCome_AndForNone()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(receiver, "first"));
        Assert.Equal(1, (await receiver.WaitForAsync(r => r.Text == "first")).Number);
        var second = receiver.WaitForAsync(r => r.Text == "second");
        Assert.False(second.IsCompleted);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(receiver, "second"));
        Assert.Equal(2, (await second).Number);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => receiver.WaitForAsync(3, TimeSpan.FromMilliseconds(1)));
        Assert.Contains("2 requests", late.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<TimeoutException>(() => receiver.WaitForAsync(r => r.Text == "third", TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public async Task Keeping_IsBounded_CountingIsNot()
    {
        await using var few = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { KeepRequests = 2, KeepBodies = false });
        await using var none = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { KeepRequests = 0 });
        var fifth = none.WaitForAsync(5);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(few, "x"));
            Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(none, "x"));
        }

        Assert.Equal((5, 5), (few.Count, none.Count));
        Assert.Equal([4L, 5L], few.Requests.Select(r => r.Number));
        Assert.All(few.Requests, r => Assert.True(r.Body.IsEmpty));
        Assert.Throws<InvalidOperationException>(() => few.Verify(Signing.WebhookSecret.Generate()));
        Assert.Empty(await fifth);
    }

    private Task<HttpResponseMessage> PostAsync(ScriptedReceiver receiver, string body) => _http.PostAsync(receiver.Url, new StringContent(body));

    private async Task<HttpStatusCode> StatusAsync(ScriptedReceiver receiver, string body)
    {
        using var answer = await PostAsync(receiver, body);
        return answer.StatusCode;
    }
}
