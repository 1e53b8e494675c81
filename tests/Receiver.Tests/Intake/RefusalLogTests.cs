using System.Net.Sockets;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Receiver.Tests;

/// <summary>Each reason to refuse a request, one after the other: whoever looks for what is wrong finds one line, and nothing that is nobody's business.</summary>
public sealed class RefusalLogTests
{
    private const string Canary = "canary-7f3a";

    private static readonly WebhookSecret Other = WebhookSecret.Generate();

    private readonly ManualTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private bool _isVaultDown;

    /// <summary>All there are, and so those too that are added later.</summary>
    public static TheoryData<string> Words => new(typeof(IntakeOutcome).GetFields(BindingFlags.Static | BindingFlags.Public)
        .Select(known => (IntakeOutcome)known.GetValue(null)!)
        .Concat(Enum.GetValues<VerificationStatus>().Where(status => status is not (VerificationStatus.None or VerificationStatus.Valid)).Select(IntakeOutcome.Of))
        .Where(outcome => outcome.StatusCode >= 400).Select(outcome => outcome.Word).Distinct());

    [Theory]
    [MemberData(nameof(Words))]
    public async Task Refusal_WhateverTheReason_IsOneLineWithReasonAndFingerprint_WithoutSecretSignatureOrPayload(string word)
    {
        using var logs = new LogRecorder();
        using var folder = TestApp.NewFolder();
        if (word == "inbox_unavailable") Directory.CreateDirectory(Path.Combine(folder, "inbox.db"));
        await using var app = await TestApp.StartAsync(
            options => Configure(word, options),
            builder => Build(word, builder), folder, memory: word != "inbox_unavailable",
            pipeline: pipeline => pipeline.Use(async (context, next) =>
            {
                if (word == "body_consumed") await context.Request.Body.CopyToAsync(Stream.Null);
                await next(context);
            }),
            services: services =>
            {
                services.AddSingleton<ILoggerProvider>(logs).AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace));
                if (word == "secrets_unavailable") services.AddSingleton<TimeProvider>(_clock);
            });
        var sending = await PrepareAsync(word, app);
        using var held = new ReceivedBody(app.Services.GetSource().Bodies, 128 * 1024);
        if (word == "bodies_full") Assert.True(held.TryAppend(new(new byte[100_000])));

        var answer = await SendAsync(app.Address, sending);

        var line = Assert.Single(logs.Lines, line => line.Contains("was answered", StringComparison.Ordinal));
        Assert.Contains($"was answered {answer}: {word}", line, StringComparison.Ordinal);
        var fingerprint = word is "no_secret" or "secrets_unavailable" ? "live secrets none" : word == "unknown_source" ? "" : $"live secrets {TestApp.Secret.Fingerprint}";
        Assert.Contains(fingerprint, line, StringComparison.Ordinal);
        Assert.InRange(answer, 400, 599);
        foreach (var any in logs.Lines)
        {
            Assert.DoesNotContain(Canary, any, StringComparison.Ordinal);
            Assert.DoesNotContain("whsec_", any, StringComparison.Ordinal);
            Assert.DoesNotContain(TestApp.Secret.Reveal()["whsec_".Length..], any, StringComparison.Ordinal);
            Assert.DoesNotContain(sending.Signature, any, StringComparison.Ordinal);
        }
    }

    private static void Configure(string word, WebhookReceiverOptions options)
    {
        (options.MaxBodyBytes, options.MaxBufferedBytes, options.Endpoint) = (64 * 1024, 128 * 1024, Sent.Endpoint);
        if (word == "slow_body") options.BodyTimeout = TimeSpan.FromMilliseconds(200);
        if (word == "inbox_full") (options.InboxLimit, options.HandlerMaxAttempts) = (1, 1);
        if (word == "no_secret") options.Secrets[0].NotAfter = DateTimeOffset.UtcNow.AddDays(-1);
        if (word == "secrets_unavailable") options.Secrets.Clear();
    }

    private void Build(string word, IWebhookReceiverBuilder builder)
    {
        builder.HandleFallback((_, _, _) => word == "inbox_full" ? throw new InvalidOperationException("broken") : Task.CompletedTask);
        if (word == "secrets_unavailable")
            builder.AddSecretProvider((_, _) => _isVaultDown
                ? throw new HttpRequestException("the vault is down")
                : ValueTask.FromResult<IReadOnlyList<WebhookSecretOptions>>([new() { Value = TestApp.Secret.Reveal() }]));
    }

    /// <summary>Makes the request that is refused for a reason, after whatever has to come before it.</summary>
    private async Task<Sending> PrepareAsync(string word, TestApp app)
    {
        var data = $"\"{Canary}{new string('x', word switch { "too_large" => 70_000, "bodies_full" => 40_000, _ => 0 })}\"";
        var one = Sent.Event(2, data: data, endpoint: word == "other_endpoint" ? "ep_other" : Sent.Endpoint);
        var at = word switch { "timestamp_too_old" => TimeSpan.FromHours(-1), "timestamp_too_new" => TimeSpan.FromHours(1), _ => TimeSpan.Zero };
        var secret = word == "no_matching_signature" ? Other : TestApp.Secret;
        if (word == "malformed_envelope") one.Body = Encoding.UTF8.GetBytes($"{{\"{Canary}");
        if (word is "inbox_full") Assert.Equal(204, await app.DeliverAsync(1));
        if (word is "stream_conflict") Assert.Equal(204, await app.DeliverAsync(2, id: "evt_other"));
        if (word is "secrets_unavailable")
        {
            _isVaultDown = true;
            _clock.Advance(TimeSpan.FromHours(25));
            await app.Services.GetSource().Provided!.RunOnceAsync(default);
            await Wait.UntilAsync(async () => (await app.Status.GetAsync(TestApp.Source)).LiveSecrets == 0);
        }

        var sending = Sending.Of(one, secret, DateTimeOffset.UtcNow + at, data);
        switch (word)
        {
            case "missing_id": sending.Headers.Remove(WebhookHeaders.Id); break;
            case "malformed_id": sending.Headers[WebhookHeaders.Id] = "evt.1"; break;
            case "missing_timestamp": sending.Headers.Remove(WebhookHeaders.Timestamp); break;
            case "malformed_timestamp": sending.Headers[WebhookHeaders.Timestamp] = "today"; break;
            case "missing_signature": sending.Headers.Remove(WebhookHeaders.Signature); break;
            case "malformed_signature": sending.Headers[WebhookHeaders.Signature] = sending.Signature; break;
            case "too_many_signatures": sending.Headers[WebhookHeaders.Signature] = string.Join(' ', Enumerable.Repeat("v1," + sending.Signature, 17)); break;
            case "unknown_version": sending.Headers[WebhookHeaders.Signature] = "v9," + sending.Signature; break;
            case "duplicate_header": sending.Extra = $"{WebhookHeaders.Signature}: v1,{sending.Signature}\r\n"; break;
            case "long_header": sending.Headers[WebhookHeaders.Signature] = "v1," + sending.Signature + new string('=', 5000); break;
            case "media_type": sending.Headers["Content-Type"] = "text/plain"; break;
            case "content_encoding": sending.Headers["Content-Encoding"] = "gzip"; break;
            case "unknown_source": sending.Path = "/any/nobody"; break;
            case "empty_body": sending.Body = []; break;
            case "slow_body": sending.Length = $"Content-Length: {sending.Body.Length + 1}"; break;
            case "broken_body": (sending.Length, sending.Body) = ("Transfer-Encoding: chunked", "no chunk\r\n"u8.ToArray()); break;
            default: break;
        }

        return sending;
    }

    /// <summary>Byte by byte, for an HTTP client would not send most of it.</summary>
    private static async Task<int> SendAsync(Uri address, Sending sending)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await using var stream = client.GetStream();
        var head = new StringBuilder($"POST {sending.Path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{sending.Extra}");
        foreach (var (name, value) in sending.Headers) head.Append(name).Append(": ").Append(value).Append("\r\n");
        head.Append(sending.Length ?? $"Content-Length: {sending.Body.Length}").Append("\r\n\r\n");
        await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head.ToString()), .. sending.Body]);
        using var reader = new StreamReader(stream);
        return int.Parse((await reader.ReadLineAsync().WaitAsync(Wait.Limit))!.Split(' ')[1]);
    }

    /// <summary>A request to be spoilt.</summary>
    private sealed record Sending(Dictionary<string, string> Headers, string Signature)
    {
        public string Path { get; set; } = "/hooks/acme";

        public string Extra { get; set; } = "";

        public string? Length { get; set; }

        public byte[] Body { get; set; } = [];

        public static Sending Of((string Id, byte[] Body) one, WebhookSecret secret, DateTimeOffset at, string data)
        {
            Assert.Contains(Canary, data, StringComparison.Ordinal);
            using var signed = TestApp.Request(one.Id, one.Body, secret, at);
            var headers = signed.Headers.ToDictionary(header => header.Key, header => header.Value.Single());
            headers["Content-Type"] = "application/json";
            return new Sending(headers, headers[WebhookHeaders.Signature]["v1,".Length..]) { Body = one.Body };
        }
    }
}
