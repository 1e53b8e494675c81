using Webhooks.Testing;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>From a symmetric secret to a pair and back, over real sockets (promise 7).</summary>
public class RotationTests
{
    [Fact]
    public async Task Rotate_ThroughBothKinds_EachRequestBearsASignatureOfEveryLiveSecretNewestFirst()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await TestPlatform.StartAsync();
        var key = await platform.KeyAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        Assert.Equal(["v1"], Versions(await NextAsync()));

        var rotated = await platform.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/rotate-secret", """{"algorithm":"ed25519"}""");
        Assert.Equal((200, "ed25519"), (rotated.Status, (string?)rotated.Body["algorithm"]));
        var pair = WebhookSecret.Parse((string)rotated.Body["secret"]!);
        Assert.Equal((false, (string?)rotated.Body["fingerprint"]), (pair.CanSign, pair.Fingerprint));
        var request = await NextAsync();
        Assert.Equal(["v1a", "v1"], Versions(request));
        Assert.True(request.Verify(pair).IsValid && request.Verify(endpoint.Secret).IsValid);
        Assert.False(request.Verify(WebhookSecret.GenerateEd25519().ForReceiver()).IsValid);

        // Two pairs and the symmetric one are live.
        var second = await platform.Endpoints.RotateSecretAsync(endpoint.Id, secret: WebhookSecret.GenerateEd25519());
        Assert.False(second.CanSign);
        request = await NextAsync();
        Assert.Equal(["v1a", "v1a", "v1"], Versions(request));
        Assert.Equal(0, request.Verify(second, pair).SecretIndex);
        Assert.Equal(0, request.Verify(pair).SecretIndex);

        var read = await platform.AskAsync(key, "GET", $"/endpoints/{endpoint.Id}");
        Assert.Equal(["ed25519", "ed25519", "hmac"], read.Body["secrets"]!.AsArray().Select(one => (string)one!["algorithm"]!));
        Assert.Equal([second.Reveal(), pair.Reveal(), null], read.Body["secrets"]!.AsArray().Select(one => (string?)one!["public_key"]));

        await platform.Endpoints.RevokeSecretAsync(endpoint.Id, endpoint.Secret.Fingerprint);
        await platform.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/revoke-secret", $$"""{"fingerprint":"{{pair.Fingerprint}}"}""");
        request = await NextAsync();
        Assert.Equal(["v1a"], Versions(request));
        Assert.True(request.Verify(second).IsValid);
        Assert.False(request.Verify(pair).IsValid || request.Verify(endpoint.Secret).IsValid);

        var back = await platform.AskAsync(key, "POST", $"/endpoints/{endpoint.Id}/rotate-secret", """{"overlap_seconds":0}""");
        Assert.Equal("hmac", (string?)back.Body["algorithm"]);
        request = await NextAsync();
        Assert.Equal(["v1"], Versions(request));
        Assert.True(request.Verify(WebhookSecret.Parse((string)back.Body["secret"]!)).IsValid);

        async Task<CapturedRequest> NextAsync()
        {
            var before = receiver.Count;
            await platform.PublishAsync(application);
            await receiver.WaitForAsync((int)before + 1);
            return receiver.Requests[^1];
        }
    }

    [Fact]
    public async Task Create_WithAPairOfOnesOwn_ShowsThePublicKeyAndNeverThePrivateOne()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await TestPlatform.StartAsync();
        var key = await platform.KeyAsync();
        var (application, _) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), WebhookSecret.GenerateEd25519());
        var made = await platform.AskAsync(key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"{{receiver.Url}}","secret":"{{Vectors.PrivateKey}}"}""");
        Assert.Equal((201, Vectors.PublicKey), (made.Status, (string?)made.Body["secret"]));
        var fresh = await platform.AskAsync(key, "POST", $"/applications/{application}/endpoints", $$"""{"url":"{{receiver.Url}}2","algorithm":"ed25519"}""");
        Assert.StartsWith("whpk_", (string?)fresh.Body["secret"], StringComparison.Ordinal);

        await platform.PublishAsync(application);
        var request = (await receiver.WaitForAsync(one => one.Path == "/"))!;
        Assert.True(request.Verify(Given.Public).IsValid);
        var read = await platform.AskAsync(key, "GET", $"/endpoints/{(string)made.Body["id"]!}");
        var audit = await platform.AskAsync(key, "GET", "/audit");
        // The seed: what follows it in a private key is public.
        var written = string.Join('\n', made.Text, read.Text, audit.Text, await platform.TablesAsync(), platform.Log.Text, request.Text, string.Join('\n', request.Headers.SelectMany(one => one.Value)));
        Assert.Contains("endpoint.created", written, StringComparison.Ordinal);
        Canary.AssertAbsent(Given.Private, written);
    }

    [Fact]
    public async Task Secret_OfAWrongKind_IsRefusedWithTheReasonAlone()
    {
        await using var platform = await TestPlatform.StartAsync();
        var key = await platform.KeyAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        foreach (var (body, field, reason) in new[]
        {
            ($$"""{"secret":"{{Vectors.PublicKey}}"}""", "secret", "cannot sign"),
            ($$"""{"secret":"{{Vectors.PrivateKey}}","algorithm":"hmac"}""", "algorithm", "of another: ed25519"),
            ($$"""{"secret":"{{Vectors.Symmetric}}","algorithm":"ed25519"}""", "algorithm", "of another: hmac"),
            ("""{"algorithm":"rsa"}""", "algorithm", "hmac, ed25519"),
            ($$"""{"secret":"{{Vectors.PrivateKey[..40]}}"}""", "secret", "64 bytes"),
        })
        {
            foreach (var path in new[] { $"/endpoints/{endpoint.Id}/rotate-secret", $"/applications/{application}/endpoints" })
            {
                var sent = path.EndsWith("secret", StringComparison.Ordinal) ? body : body.Replace("{", """{"url":"http://127.0.0.1:9/x",""", StringComparison.Ordinal);
                var refused = await platform.AskAsync(key, "POST", path, sent);
                Assert.Equal(422, refused.Status);
                Assert.Contains(reason, (string)refused.Body["error"]!["details"]![field]![0]!, StringComparison.Ordinal);
                Canary.AssertAbsent(Given.Private, refused.Text);
            }
        }

        var publicKey = await Assert.ThrowsAsync<Webhooks.Dispatcher.WebhookValidationException>(() => platform.Endpoints.RotateSecretAsync(endpoint.Id, secret: Given.Public));
        Assert.Contains("cannot sign", publicKey.Message + string.Join(' ', publicKey.Errors.SelectMany(one => one.Value)), StringComparison.Ordinal);
        await Assert.ThrowsAsync<Webhooks.Dispatcher.WebhookValidationException>(() => platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), Given.Public));
    }

    private static IEnumerable<string> Versions(CapturedRequest request) =>
        request.Header(WebhookHeaders.Signature)!.Split(' ').Select(entry => entry[..entry.IndexOf(',', StringComparison.Ordinal)]);
}

/// <summary>Looks for a private key in what was written.</summary>
internal static class Canary
{
    public static void AssertAbsent(WebhookSecret secret, string written)
    {
        var seed = Convert.FromBase64String(secret.Reveal()[WebhookSecret.PrivateKeyPrefix.Length..])[..32];
        // Eight characters would be six bytes given away. The last ones of the base64 depend on what follows.
        foreach (var form in new[] { Convert.ToBase64String(seed)[..42], Convert.ToHexStringLower(seed), Convert.ToHexString(seed) })
            for (var at = 0; at + 8 <= form.Length; at++) Assert.DoesNotContain(form.Substring(at, 8), written, StringComparison.Ordinal);
    }
}
