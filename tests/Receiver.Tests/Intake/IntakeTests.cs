using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>The answers of the receiver, on a real server (promise 11).</summary>
public sealed class IntakeTests : IAsyncLifetime
{
    private TestApp _app = null!;

    public async Task InitializeAsync() => _app = await TestApp.StartAsync(options => options.MaxBodyBytes = 4096);

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Fact]
    public async Task Intake_SameEventTwice_Answers204TwiceAndStoresOnce()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        Assert.Equal(204, await _app.DeliverAsync(1));
        var counts = (await _app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((1, 1), (counts.Received, counts.Duplicates));
    }

    [Fact]
    public async Task Intake_SameEventAtOnce_IsStoredOnce()
    {
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _app.DeliverAsync(1))), status => Assert.Equal(204, status));
        Assert.Equal(1, (await _app.Status.GetAsync(TestApp.Source)).Counts.Received);
    }

    [Fact]
    public async Task Intake_WrongSecret_Answers401() => await AnswersAsync(401, change: (id, body) => TestApp.Request(id, body, WebhookSecret.Generate()));

    [Theory]
    [InlineData(-301, 401)]
    [InlineData(360, 401)]
    [InlineData(-240, 204)]
    [InlineData(290, 204)]
    public async Task Intake_Timestamp_IsHeldToTheTolerance(int seconds, int status) =>
        await AnswersAsync(status, change: (id, body) => TestApp.Request(id, body, at: DateTimeOffset.UtcNow.AddSeconds(seconds)));

    [Theory]
    [InlineData(WebhookHeaders.Id)]
    [InlineData(WebhookHeaders.Timestamp)]
    [InlineData(WebhookHeaders.Signature)]
    public async Task Intake_HeaderMissing_Answers400(string header) => await AnswersAsync(400, request => request.Headers.Remove(header));

    [Theory]
    [InlineData(WebhookHeaders.Id)]
    [InlineData(WebhookHeaders.Timestamp)]
    [InlineData(WebhookHeaders.Signature)]
    public async Task Intake_HeaderTwice_Answers400(string header)
    {
        var one = Sent.Event(1);
        using var signed = TestApp.Request(one.Id, one.Body);
        var extra = $"{header}: {signed.Headers.GetValues(header).Single()}";
        Assert.StartsWith("HTTP/1.1 400", await RawAsync(signed, one.Body, [extra]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WebhookHeaders.Id, 257)]
    [InlineData(WebhookHeaders.Id, 5000)]
    [InlineData(WebhookHeaders.Timestamp, 13)]
    [InlineData(WebhookHeaders.Timestamp, 5000)]
    [InlineData(WebhookHeaders.Signature, 4097)]
    public async Task Intake_HeaderTooLong_Answers400(string header, int length) => await AnswersAsync(400, request =>
    {
        request.Headers.Remove(header);
        request.Headers.TryAddWithoutValidation(header, new string('1', length));
    });

    [Theory]
    [InlineData(16, 204)]
    [InlineData(17, 400)]
    public async Task Intake_Signatures_AreReadUpToSixteen(int count, int status) => await AnswersAsync(status, request =>
    {
        var right = request.Headers.GetValues(WebhookHeaders.Signature).Single();
        request.Headers.Remove(WebhookHeaders.Signature);
        var others = Enumerable.Repeat("v1," + Convert.ToBase64String(new byte[32]), count - 1);
        request.Headers.TryAddWithoutValidation(WebhookHeaders.Signature, string.Join(' ', others.Append(right)));
    });

    [Theory]
    [InlineData("gzip")]
    [InlineData("identity")]
    [InlineData("br, gzip")]
    public async Task Intake_ContentEncoding_Answers415(string encoding) =>
        await AnswersAsync(415, request => request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding));

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    public async Task Intake_OtherMediaType_Answers415(string? type) => await AnswersAsync(415, request =>
        request.Content!.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type));

    [Fact]
    public async Task Intake_JsonWithCharset_IsTaken() => await AnswersAsync(204, request =>
        request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=utf-8"));

    [Fact]
    public async Task Intake_UnknownSource_Answers404()
    {
        await AnswersAsync(404, change: (id, body) => TestApp.Request(id, body, path: "/any/nobody"));
        await AnswersAsync(204, change: (id, body) => TestApp.Request(id, body, path: "/any/acme"));
    }

    [Fact]
    public async Task Intake_Get_Answers405()
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(_app.Address, "/hooks/acme"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task Intake_BodyAtTheLimit_IsTaken_AndOneByteMoreAnswers413()
    {
        var frame = Sent.Event(1, data: "\"\"").Body.Length;
        await AnswersAsync(204, data: $"\"{new string('x', 4096 - frame)}\"");
        await AnswersAsync(413, data: $"\"{new string('x', 4097 - frame)}\"");
    }

    [Fact]
    public async Task Intake_ChunkedBodyOverTheLimit_Answers413()
    {
        var one = Sent.Event(1, data: $"\"{new string('x', 5000)}\"");
        using var request = TestApp.Request(one.Id, one.Body);
        request.Headers.TransferEncodingChunked = true;
        using var response = await _app.SendAsync(request);
        Assert.Equal(413, (int)response.StatusCode);
    }

    [Fact]
    public async Task Intake_ChunkedBody_IsTaken() => await AnswersAsync(204, request => request.Headers.TransferEncodingChunked = true);

    [Fact]
    public async Task Intake_BodyThatStops_Answers408()
    {
        await using var app = await TestApp.StartAsync(options => options.BodyTimeout = TimeSpan.FromMilliseconds(300));
        var one = Sent.Event(1);
        using var signed = TestApp.Request(one.Id, one.Body);
        Assert.StartsWith("HTTP/1.1 408", await RawAsync(signed, one.Body[..10], [], one.Body.Length, app), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"id\":\"evt_1\"")]
    [InlineData("{\"id\":\"evt_1\"} {}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":0,\"data\":1}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":\"7\",\"data\":1}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":1.5,\"data\":1}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"data\":1}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":1}")]
    [InlineData("{\"id\":\"evt_1\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":1,\"seq\":2,\"data\":1}")]
    [InlineData("{\"id\":\"evt_other\",\"type\":\"a\",\"timestamp\":\"2026-11-21T03:00:00Z\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":1,\"data\":1}")]
    public async Task Intake_SignedButNoEnvelope_Answers400(string body)
    {
        using var response = await _app.SendAsync(TestApp.Request("evt_1", Encoding.UTF8.GetBytes(body)));
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task Intake_InvalidUtf8_Answers400()
    {
        var one = Sent.Event(1, data: "\"?\"");
        one.Body[Array.IndexOf(one.Body, (byte)'?')] = 0xFF;
        using var response = await _app.SendAsync(TestApp.Request(one.Id, one.Body));
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task Intake_OtherEndpoint_Answers400AndIsSurfaced()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        var other = Sent.Event(2, endpoint: "ep_other");
        using var response = await _app.SendAsync(TestApp.Request(other.Id, other.Body));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal("ep_other", (await _app.Status.GetAsync(TestApp.Source)).RefusedEndpoint);
    }

    [Fact]
    public async Task Intake_NumberWithAnotherEvent_Answers409AndBlocks()
    {
        Assert.Equal(204, await _app.DeliverAsync(1));
        Assert.Equal(409, await _app.DeliverAsync(1, id: "evt_other"));
        Assert.Equal(HoldReason.StreamConflict, (await _app.StreamAsync()).Hold?.Reason);
        // Nothing else lifts it, so the health says what does.
        var health = await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Contains("POST …/unblock", health.Entries.Single().Value.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Intake_BodyReadBefore_Answers500()
    {
        await using var app = await TestApp.StartAsync(pipeline: pipeline => pipeline.Use(async (context, next) =>
        {
            context.Request.EnableBuffering();
            await context.Request.Body.CopyToAsync(Stream.Null);
            await next(context);
        }));
        Assert.Equal(500, await app.DeliverAsync(1));
    }

    [Fact]
    public async Task Intake_StatusCodePages_DoNotChangeTheAnswer()
    {
        await using var app = await TestApp.StartAsync(pipeline: pipeline => pipeline.UseStatusCodePages("text/html", "page {0}"));
        var one = Sent.Event(1);
        using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body, WebhookSecret.Generate()));
        Assert.Equal((401, ""), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    private async Task AnswersAsync(
        int status, Action<HttpRequestMessage>? then = null, Func<string, byte[], HttpRequestMessage>? change = null, string data = "{}")
    {
        var one = Sent.Event(1, data: data);
        using var request = change is null ? TestApp.Request(one.Id, one.Body) : change(one.Id, one.Body);
        then?.Invoke(request);
        using var response = await _app.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
    }

    /// <summary>Sends what an HTTP client would not.</summary>
    private async Task<string> RawAsync(HttpRequestMessage signed, byte[] body, string[] extra, int? length = null, TestApp? app = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync((app ?? _app).Address.Host, (app ?? _app).Address.Port);
        await using var stream = client.GetStream();
        var head = new StringBuilder("POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n");
        foreach (var (name, values) in signed.Headers) head.Append(name).Append(": ").Append(values.Single()).Append("\r\n");
        foreach (var line in extra) head.Append(line).Append("\r\n");
        head.Append("Content-Length: ").Append(length ?? body.Length).Append("\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()));
        await stream.WriteAsync(body);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync().WaitAsync(Wait.Limit) ?? "";
    }
}
