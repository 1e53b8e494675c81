using Microsoft.Extensions.Options;
using Webhooks.Dispatcher;
using Webhooks.Receiver;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>A receiver that holds public keys: it verifies, and cannot sign.</summary>
public class ReceiverTests
{
    /// <summary>Promises 1, 7 and 12 for a receiver without a secret that signs: it verifies, and heals with an API key.</summary>
    [Fact]
    public async Task PublicKeyAlone_VerifiesDeliveries_AndHealsWithAnApiKey()
    {
        await using var platform = await TestPlatform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), WebhookSecret.GenerateEd25519());
        var key = await platform.KeyAsync(settings => settings with
        {
            Scopes = [WebhookApiScopes.EventsRead, WebhookApiScopes.EndpointsWrite], Application = application, Endpoint = endpoint.Id,
        });
        await using var receiver = await TestReceiver.StartAsync(options =>
        {
            options.Secrets.Add(endpoint.Secret.Reveal());
            (options.Endpoint, options.FeedBaseAddress, options.FeedApiKey) = (endpoint.Id.Value, platform.Url, key);
        });
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()));
        await platform.PublishAsync(application, 5);
        await receiver.UntilHandledAsync(5);

        // Gone: the dispatcher pauses, the receiver fetches what it missed and asks for delivery again.
        receiver.Broken = 410;
        await platform.PublishAsync(application, 5);
        await Until.TrueAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status == EndpointStatus.Paused || receiver.Handled.Count == 10, "delivery pauses");
        receiver.Broken = 0;
        await receiver.UntilHandledAsync(10);
        await Until.TrueAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status == EndpointStatus.Active, "delivery is resumed");
        await platform.PublishAsync(application, 5);
        await receiver.UntilHandledAsync(15);

        Assert.True((await receiver.Status.GetAsync(TestReceiver.Source)).Counts.Backfilled > 0);
        Assert.DoesNotContain(key[3..], receiver.Log.Text + platform.Log.Text, StringComparison.Ordinal);
    }

    /// <summary>An operator's pause is not the receiver's to lift, and a key that may only read fetches all the same.</summary>
    [Fact]
    public async Task KeyThatOnlyReads_FetchesWhatAPauseHolds()
    {
        await using var platform = await TestPlatform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), WebhookSecret.GenerateEd25519());
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.PublishAsync(application, 7);
        var key = await platform.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.EventsRead] });
        await using var receiver = await TestReceiver.StartAsync(options =>
        {
            options.Secrets.Add(endpoint.Secret.Reveal());
            (options.Endpoint, options.FeedBaseAddress, options.FeedApiKey) = (endpoint.Id.Value, platform.Url, key);
        });
        await receiver.UntilHandledAsync(7);
        Assert.Equal(EndpointStatus.Paused, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Status);
    }

    [Fact]
    public async Task MixedRotation_OverARealSocket_NoDeliveryIsRefused()
    {
        await using var platform = await TestPlatform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        var pair = WebhookSecret.GenerateEd25519();
        // One has the old secret, one the new key, and one both: each takes what comes in the overlap.
        await using var old = await StartAsync(endpoint.Secret);
        await using var both = await StartAsync(pair.ForReceiver(), endpoint.Secret);
        await using var fresh = await StartAsync(pair.ForReceiver());
        await SendToAsync(old, 1, 3);
        await platform.Endpoints.RotateSecretAsync(endpoint.Id, secret: pair);
        await SendToAsync(old, 3, 6);
        await SendToAsync(both, 0, 3);
        await SendToAsync(fresh, 0, 3);
        await platform.Endpoints.RevokeSecretAsync(endpoint.Id, endpoint.Secret.Fingerprint);
        await SendToAsync(both, 3, 6);
        await SendToAsync(fresh, 3, 6);
        Assert.Equal(0, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).ConsecutiveFailures);

        // What is signed by the pair alone is nothing to one that has only the old secret.
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(old.Url.ToString()));
        await platform.PublishAsync(application);
        await Until.TrueAsync(() => Task.FromResult(old.Log.Text.Contains("unknown_version", StringComparison.Ordinal)), "the refusal is logged with its reason");
        foreach (var receiver in new[] { old, both, fresh })
        {
            Canary.AssertAbsent(pair, receiver.Log.Text);
            Assert.DoesNotContain(endpoint.Secret.Reveal()[6..20], receiver.Log.Text, StringComparison.Ordinal);
        }

        Canary.AssertAbsent(pair, platform.Log.Text);

        Task<TestReceiver> StartAsync(params WebhookSecret[] secrets) => TestReceiver.StartAsync(options =>
        {
            foreach (var secret in secrets) options.Secrets.Add(secret.Reveal());
            // Each joins where the stream is.
            options.StartAt = StartAt.Head;
        });

        async Task SendToAsync(TestReceiver receiver, int before, int after)
        {
            await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()));
            for (var handled = receiver.Handled.Count; handled < after; handled++)
            {
                await platform.PublishAsync(application);
                await Until.TrueAsync(() => Task.FromResult(receiver.Handled.Count > handled), $"event {handled + 1} of {before} to {after} is handled");
            }
        }
    }

    [Fact]
    public async Task PrivateKey_AtAReceiver_IsRefusedWithoutBeingShown()
    {
        var refused = await RefusedAsync(options => options.Secrets.Add(Vectors.PrivateKey));
        Assert.Contains("whpk_", refused, StringComparison.Ordinal);
        Assert.Contains("the sender's alone", refused, StringComparison.Ordinal);
        Canary.AssertAbsent(Given.Private, refused);
    }

    [Fact]
    public async Task Healing_WithNothingToAskWith_RefusesToStart()
    {
        var feed = new Uri("http://127.0.0.1:9/");
        foreach (var refused in new[]
        {
            await RefusedAsync(options => options.FeedBaseAddress = feed, [Given.Public]),
            await RefusedAsync(options =>
            {
                options.Secrets.Add(Vectors.PublicKey);
                options.FeedBaseAddress = feed;
            }),
        })
        {
            Assert.Contains("FeedApiKey", refused, StringComparison.Ordinal);
            Assert.Contains("only verifies", refused, StringComparison.Ordinal);
            Assert.DoesNotContain(Vectors.PublicKey[5..15], refused, StringComparison.Ordinal);
        }

        // Any of these will do: no feed, a key, or one secret that signs.
        await using var without = await TestReceiver.StartAsync(options => options.Secrets.Add(Vectors.PublicKey));
        await using var withKey = await TestReceiver.StartAsync(options =>
        {
            options.Secrets.Add(Vectors.PublicKey);
            (options.FeedBaseAddress, options.FeedApiKey) = (feed, "wk_1");
        });
        await using var withSecret = await TestReceiver.StartAsync(
            options =>
            {
                options.Secrets.Add(Vectors.PublicKey);
                options.FeedBaseAddress = feed;
            },
            [Given.Symmetric]);
    }

    private static async Task<string> RefusedAsync(Action<WebhookReceiverOptions> configure, WebhookSecret[]? provided = null)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(async () =>
        {
            await using var receiver = await TestReceiver.StartAsync(configure, provided);
        });
        return refused.ToString();
    }
}
