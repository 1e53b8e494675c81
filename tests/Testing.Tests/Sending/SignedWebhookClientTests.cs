using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.Testing.Tests;

public sealed class SignedWebhookClientTests : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly ManualTimeProvider _clock = new(new DateTimeOffset(2026, 11, 21, 3, 0, 0, 123, TimeSpan.Zero));
    private readonly WebhookSecret _new = WebhookSecret.Generate();
    private readonly WebhookSecret _old = WebhookSecret.Generate();
    private ScriptedReceiver _receiver = null!;
    private SignedWebhookClient _client = null!;

    public async Task InitializeAsync()
    {
        _receiver = await ScriptedReceiver.StartAsync(new ScriptedReceiverOptions { Clock = _clock });
        _client = new SignedWebhookClient(_http, _receiver.Url, [_new, _old], _clock);
    }

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Event_HasTheEnvelopeByteForByte_AndVerifiesWithEachSecret()
    {
        const string Data = """{"n":1.000000000000000000001,"s":"č" ,"e":[ ]}""";
        using var answer = await _client.PostEventAsync("invoice.paid", Data, seq: 42, epoch: 2);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var request = Assert.Single(_receiver.Requests);
        Assert.Equal(
            """{"id":"evt_ep_test_2_42","type":"invoice.paid","timestamp":"2026-11-21T03:00:00.123Z","endpoint":"ep_test","epoch":2,"seq":42,"data":"""
            + Data + "}",
            request.Text);
        Assert.Equal("application/json", request.Header("Content-Type"));
        Assert.Equal(new VerificationResult(VerificationStatus.Valid, 0, _clock.GetUtcNow().ToUnixTimeSeconds()), request.Verify(_new));
        Assert.True(request.Verify(_old).IsValid);
        Assert.Equal(1, _receiver.Verify(WebhookSecret.Generate(), _old)[0].SecretIndex);
        Assert.Equal(VerificationStatus.NoMatchingSignature, request.Verify(WebhookSecret.Generate()).Status);
    }

    [Fact]
    public async Task Overrides_BreakEachPart()
    {
        var now = _clock.GetUtcNow();
        (SignedPostOptions Options, VerificationStatus Expected)[] cases =
        [
            (new() { IdHeader = "" }, VerificationStatus.MissingId),
            (new() { IdHeader = "a.b" }, VerificationStatus.MalformedId),
            (new() { IdHeader = "other" }, VerificationStatus.NoMatchingSignature),
            (new() { TimestampHeader = "" }, VerificationStatus.MissingTimestamp),
            (new() { TimestampHeader = "soon" }, VerificationStatus.MalformedTimestamp),
            (new() { SignedAt = now.AddSeconds(-301) }, VerificationStatus.TimestampTooOld),
            (new() { SignedAt = now.AddSeconds(301) }, VerificationStatus.TimestampTooNew),
            (new() { SignatureHeader = "" }, VerificationStatus.MissingSignature),
            (new() { SignatureHeader = "v9,AAAA" }, VerificationStatus.UnknownVersion),
            (new() { Secrets = [WebhookSecret.Generate()] }, VerificationStatus.NoMatchingSignature),
            (new() { BodySent = "{}"u8.ToArray() }, VerificationStatus.NoMatchingSignature),
            (new() { ContentType = "", ExtraHeaders = [new("X-More", "yes"), new("Content-Language", "cs")] }, VerificationStatus.Valid),
        ];
        foreach (var (options, _) in cases)
            (await _client.PostAsync("msg_1", Encoding.UTF8.GetBytes("""{"a":1}"""), options)).Dispose();

        Assert.Equal(cases.Select(c => c.Expected), _receiver.Verify(_new, _old).Select(r => r.Status));
        var last = _receiver.Requests[^1];
        Assert.Equal((null, "yes", "cs"), (last.Header("Content-Type"), last.Header("X-More"), last.Header("Content-Language")));
    }

    [Fact]
    public async Task Sequence_KeepsTheOrderGiven_AndRepeatsIds()
    {
        _receiver.Enqueue(ScriptedAnswer.NoContent, ScriptedAnswer.Of(500));
        var statuses = await _client.PostSequenceAsync("order.made", [1, 2, 2, 4, 3], seq => $$"""{"n":{{seq}}}""");
        Assert.Equal([204, 500, 204, 204, 204], statuses.Select(s => (int)s));
        Assert.Equal([1, 2, 2, 4, 3], _receiver.Requests.Select(r => JsonDocument.Parse(r.Text).RootElement.GetProperty("seq").GetInt64()));
        Assert.Equal(_receiver.Requests[1].WebhookId, _receiver.Requests[2].WebhookId);
        Assert.All(_receiver.Verify(_new), r => Assert.True(r.IsValid));
    }

    [Fact]
    public async Task Batch_HoldsTheEnvelopesOfSingleDeliveries_AndVerifies()
    {
        (await _client.PostBatchAsync("order.made", 42, 44, seq => seq == 43 ? null : $$"""{"n":{{seq}}}""", epoch: 2)).Dispose();
        (await _client.PostEventAsync("order.made", """{"n":42}""", 42, epoch: 2)).Dispose();
        (await _client.PostAsync("msg_1", "{}"u8.ToArray())).Dispose();
        var (batch, single, foreign) = (_receiver.Requests[0], _receiver.Requests[1], _receiver.Requests[2]);
        var id = "batch_" + Convert.ToHexStringLower(SHA256.HashData("ep_test\n2\n42\n44"u8))[..32];
        Assert.Equal(
            $$$"""{"id":"{{{id}}}","type":"webhooks.batch","timestamp":"2026-11-21T03:00:00.123Z","endpoint":"ep_test","epoch":2,"seq":{"from":42,"to":44},"data":["""
            + single.Text
            + """,{"id":"evt_ep_test_2_43","type":"order.made","timestamp":"2026-11-21T03:00:00.123Z","endpoint":"ep_test","epoch":2,"seq":43,"void":true,"reason":"expunged"},"""
            + single.Text.Replace("42", "44", StringComparison.Ordinal) + "]}",
            batch.Text);
        Assert.Equal(id, batch.WebhookId);
        Assert.True(batch.Verify(_old).IsValid);
        Assert.Equal([(42L, 44L), (42L, 42L), null], new[] { batch.Seqs, single.Seqs, foreign.Seqs });
    }
}
