using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Tests.Api;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Secrets;

/// <summary>Ed25519 at a dispatcher that has nothing to compute it with. What one does that has is in Signing.NSec.Tests.</summary>
public class SecretKindTests
{
    private const string Private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    private const string Public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

    [Theory]
    [InlineData("""{"algorithm":"ed25519"}""", "algorithm")]
    [InlineData("""{"secret":"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="}""", "secret")]
    [InlineData("""{"secret":"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}""", "secret")]
    public async Task Rotate_ToEd25519WithoutThePackage_Is422AndNamesIt(string body, string field)
    {
        await using var api = await ApiPlatform.StartAsync();
        var (application, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var key = await api.KeyAsync();
        foreach (var (path, sent) in new[]
        {
            ($"/endpoints/{endpoint.Id}/rotate-secret", body),
            ($"/applications/{application}/endpoints", body.Replace("{", """{"url":"http://127.0.0.1:9/x",""", StringComparison.Ordinal)),
        })
        {
            var refused = await api.AskAsync(key, "POST", path, sent);
            Assert.Equal((422, field), (refused.Status, Assert.Single(refused.Fields)));
            Assert.Contains("Webhooks.Signing.NSec", refused.Body!.ToJsonString(), StringComparison.Ordinal);
            Assert.DoesNotContain(Private[5..13], refused.Body!.ToJsonString(), StringComparison.Ordinal);
        }

        var hmac = await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/rotate-secret", """{"algorithm":"hmac"}""");
        Assert.Equal((200, "hmac"), (hmac.Status, hmac.Text("algorithm")));
        var read = (await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}")).Body!;
        Assert.All((JsonArray)read["secrets"]!, one => Assert.Equal(("hmac", null), ((string)one!["algorithm"]!, (string?)one["public_key"])));
    }

    /// <summary>A program was rolled back to before it had the package: such an endpoint is held, said aloud, and can be mended.</summary>
    [Fact]
    public async Task Endpoint_WhoseSecretCannotBeUsedHere_IsShownAndCanBeGivenAnother()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync();
        var (application, endpoint) = await api.Platform.AddEndpointAsync(receiver.Url);
        var ciphertext = api.Platform.Get<KeyRing>().Protect(Encoding.UTF8.GetBytes(Private), "endpoint secret");
        await api.Platform.ExecuteAsync($"UPDATE webhooks.endpoint_secret SET ciphertext = decode('{Convert.ToHexString(ciphertext)}', 'hex')");
        await api.Platform.PublishAsync(application);
        var key = await api.KeyAsync();
        var read = await api.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}");
        Assert.Equal((200, "ed25519", Public), (read.Status, (string)read.Body!["secrets"]![0]!["algorithm"]!, (string)read.Body!["secrets"]![0]!["public_key"]!));

        var fresh = WebhookSecret.Parse((await api.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/rotate-secret", """{"overlap_seconds":0}""")).Text("secret"));
        await using var worker = await Platform.StartAsync(connectionString: api.Platform.ConnectionString);
        var request = (await receiver.WaitForAsync(1))[0];
        Assert.True(request.Verify(fresh).IsValid);
    }

    /// <summary>A receiver that does not sign is known by an API key; its answers are signed as any.</summary>
    [Fact]
    public async Task Feed_ByAKeyWithAnId_IsAReceiversAndSigned_WithoutOneAnOperators()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (_, endpoint) = await api.Platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var key = await api.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.EventsRead] });
        var asReceiver = await AskAsync("req_1", key, "events?after=0&limit=10");
        Assert.Equal(200, asReceiver.Status);
        Assert.True(WebhookVerifier.Verify(
            asReceiver.Headers[WebhookHeaders.Id], asReceiver.Headers[WebhookHeaders.Timestamp], asReceiver.Headers[WebhookHeaders.Signature],
            asReceiver.Bytes, [endpoint.Secret], DateTimeOffset.UtcNow, prefix: SignedContent.AnswerPrefix("req_1")).IsValid);
        var byOperator = await AskAsync(null, key, "events?after=0&limit=10");
        Assert.Equal((200, false), (byOperator.Status, byOperator.Headers.ContainsKey(WebhookHeaders.Signature)));
        foreach (var (id, other) in new[] { ("req_1", "wk_" + new string('0', 64)), ("req.1", key), ("req 1", key), ("req_1", null) })
            Assert.Equal(401, (await AskAsync(id, other, "events?after=0&limit=10")).Status);

        async Task<(int Status, Dictionary<string, string> Headers, byte[] Bytes)> AskAsync(string? id, string? bearer, string path)
        {
            using var http = new HttpClient { BaseAddress = api.Platform.Url };
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/endpoints/{endpoint.Id}/{path}");
            if (id is not null) request.Headers.TryAddWithoutValidation(WebhookHeaders.Id, id);
            if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await http.SendAsync(request);
            return ((int)response.StatusCode, response.Headers.ToDictionary(one => one.Key, one => string.Join(',', one.Value), StringComparer.OrdinalIgnoreCase),
                await response.Content.ReadAsByteArrayAsync());
        }
    }
}
