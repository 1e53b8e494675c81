using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>What lies around the receiver: proxies, clocks, slow disks, the application's other endpoints, and what a sender sends too much.</summary>
public sealed class SurroundingsTests
{
    [Fact]
    public async Task Proxy_ThatChangesHostAndPath_BreaksNoSignature()
    {
        await using var app = await TestApp.StartAsync(memory: true);
        var one = Sent.Event(1);
        using var request = TestApp.Request(one.Id, one.Body, path: "/any/acme?via=cdn");
        request.Headers.Host = "internal.example";
        request.Headers.Add("X-Forwarded-Proto", "https");
        using var response = await app.SendAsync(request);
        Assert.Equal(204, (int)response.StatusCode);
    }

    [Theory]
    [InlineData(-9, 204)]
    [InlineData(9, 204)]
    [InlineData(-11, 401)]
    [InlineData(11, 401)]
    public async Task Tolerance_OfTheOptions_HoldsOnBothSides(int minutes, int status)
    {
        await using var app = await TestApp.StartAsync(options => options.TimestampTolerance = TimeSpan.FromMinutes(10), memory: true);
        var one = Sent.Event(1);
        using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body, at: DateTimeOffset.UtcNow.AddMinutes(minutes)));
        Assert.Equal(status, (int)response.StatusCode);
    }

    /// <summary>Whether it is the secret or the body: the sender can look up what it signed.</summary>
    [Fact]
    public async Task BodyThatWasAltered_IsToldByItsFingerprintInTheLog()
    {
        using var logs = new LogRecorder();
        await using var app = await TestApp.StartAsync(memory: true, services: services => services.AddSingleton<ILoggerProvider>(logs).AddLogging());
        using var request = TestApp.Request("evt_1_1", Sent.Event(1).Body);
        var altered = "{\"altered\":true}"u8.ToArray();
        request.Content = new ByteArrayContent(altered) { Headers = { { "Content-Type", "application/json" } } };
        using var response = await app.SendAsync(request);
        Assert.Equal(401, (int)response.StatusCode);
        var line = Assert.Single(logs.Lines, line => line.Contains("no_matching_signature", StringComparison.Ordinal));
        Assert.Contains($"body of {altered.Length} bytes, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(altered))[..8]}…;", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_LineEndsAndSpacesAndAll_AreWhatTheHandlerGets()
    {
        const string Data = "{\r\n\t\"a\" : 1.0e+00,\r\n  \"b\":\"\\u010d č \u2028\" , \"a\":[ ]\n}";
        var got = new TaskCompletionSource<WebhookEvent>();
        await using var app = await TestApp.StartAsync(memory: true, handlers: builder => builder.HandleFallback((one, _, _) =>
        {
            got.SetResult(one);
            return Task.CompletedTask;
        }));
        var one = Sent.Event(1, data: Data);
        Assert.Equal(204, await app.DeliverAsync(one));
        var handled = await got.Task.WaitAsync(Wait.Limit);
        Assert.Equal(one.Body, handled.RawBody.ToArray());
        Assert.Equal(Data, Encoding.UTF8.GetString(handled.Data.Span));
    }

    [Fact]
    public async Task Store_ThatTakesTooLong_Answers503_AndTheEventIsADuplicateWhenItComesAgain()
    {
        var gate = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(options => options.InsertTimeout = TimeSpan.FromMilliseconds(100), memory: true, handlers: builder => builder.UseInbox(_ =>
        {
            var inbox = DispatchProxy.Create<IWebhookInbox, HangUpTests.SlowStore>();
            ((HangUpTests.SlowStore)(object)inbox).Set(new MemoryInbox(), gate.Task, new TaskCompletionSource<CancellationToken>());
            return inbox;
        }));
        var one = Sent.Event(1);
        using (var response = await app.SendAsync(TestApp.Request(one.Id, one.Body)))
            Assert.Equal((503, true), ((int)response.StatusCode, response.Headers.RetryAfter is not null));
        gate.SetResult();
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Received == 1);
        // Where the machine hesitates for as long as the store may take, it is sent once more.
        await Wait.UntilAsync(async () => await app.DeliverAsync(one) == 204);
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal(1, counts.Received);
        Assert.InRange(counts.Duplicates, 1, 100);
    }

    /// <summary>A hung inbox keeps what it was given: senders that come again and again must not fill the memory with it.</summary>
    [Fact]
    public async Task Store_ThatHangs_IsGivenNoMoreThanMayBeInMemory()
    {
        var gate = new TaskCompletionSource();
        var asked = 0;
        void Settings(WebhookReceiverOptions options) =>
            (options.InsertTimeout, options.MaxBufferedBytes, options.MaxBodyBytes) = (TimeSpan.FromMilliseconds(50), 20_000, 10_000);
        await using var app = await TestApp.StartAsync(Settings, memory: true, handlers: builder => builder.UseInbox(_ =>
        {
            var inbox = DispatchProxy.Create<IWebhookInbox, HangUpTests.SlowStore>();
            ((HangUpTests.SlowStore)(object)inbox).Set(new MemoryInbox(), gate.Task, new TaskCompletionSource<CancellationToken>(), () => asked++);
            return inbox;
        }));
        for (var seq = 1; seq <= 6; seq++) Assert.Equal(503, await app.DeliverAsync(Sent.Event(seq, data: $"\"{new string('x', 8000)}\"")));
        Assert.Equal(3, asked);
        gate.SetResult();
        await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).Counts.Received == 3);
        for (var seq = 1; seq <= 6; seq++) await Wait.UntilAsync(async () => await app.DeliverAsync(Sent.Event(seq, data: $"\"{new string('x', 8000)}\"")) == 204);
    }

    [Fact]
    public async Task OtherEndpoints_OfTheApplication_AreNotTouched()
    {
        await using var app = await TestApp.StartAsync(options => options.MaxBodyBytes = 1000, memory: true, pipeline: app =>
            app.MapPost("/other", async (HttpRequest request) =>
            {
                using var body = new MemoryStream();
                await request.Body.CopyToAsync(body);
                return Results.Text($"{body.Length}", statusCode: 418);
            }));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/other") { Content = new ByteArrayContent(new byte[100_000]) };
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var response = await app.SendAsync(request);
        Assert.Equal((418, "100000"), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    /// <summary>GitHub once sent its customers' secrets in a header; whoever had kept all headers had to rotate.</summary>
    [Fact]
    public async Task Inbox_KeepsNoHeaderThatItDoesNotNeed()
    {
        const string Leaked = "leaked-secret-5d1c";
        using var folder = TestApp.NewFolder();
        string signature;
        await using (var app = await TestApp.StartAsync(folder: folder))
        {
            var one = Sent.Event(1);
            using var request = TestApp.Request(one.Id, one.Body);
            request.Headers.Add("X-Leaked", Leaked);
            signature = request.Headers.GetValues(WebhookHeaders.Signature).Single();
            using var response = await app.SendAsync(request);
            Assert.Equal(204, (int)response.StatusCode);
        }

        var kept = Directory.EnumerateFiles(folder).Select(file => Encoding.Latin1.GetString(File.ReadAllBytes(file))).ToList();
        Assert.Contains(kept, text => text.Contains("evt_1_1", StringComparison.Ordinal));
        Assert.All(kept, text => Assert.DoesNotContain(Leaked, text, StringComparison.Ordinal));
        Assert.All(kept, text => Assert.DoesNotContain(signature["v1,".Length..], text, StringComparison.Ordinal));
    }
}
