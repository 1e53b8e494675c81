using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>Secrets change while the receiver runs (promise 7).</summary>
public sealed class RotationTests
{
    private static readonly WebhookSecret Old = WebhookSecret.Generate();
    private static readonly WebhookSecret New = WebhookSecret.Generate();

    [Fact]
    public async Task Rotation_ConfigurationReloaded_HoldsFromTheNextRequestInBothDirections()
    {
        var configuration = Configuration(("Secrets:0:Value", Old.Reveal()));
        await using var app = await TestApp.StartAsync(section: configuration);
        Assert.Equal((204, 401), (await SendAsync(app, 1, Old), await SendAsync(app, 2, New)));

        Change(configuration, ("Secrets:0:Value", New.Reveal()));
        Assert.Equal((401, 204), (await SendAsync(app, 3, Old), await SendAsync(app, 3, New)));

        Change(configuration, ("Secrets:0:Value", Old.Reveal()));
        Assert.Equal((204, 401), (await SendAsync(app, 4, Old), await SendAsync(app, 5, New)));
    }

    [Fact]
    public async Task Rotation_TwoSecrets_EitherIsAccepted()
    {
        await using var app = await TestApp.StartAsync(section: Configuration(("Secrets:0:Value", New.Reveal()), ("Secrets:1:Value", Old.Reveal())));
        Assert.Equal((204, 204), (await SendAsync(app, 1, Old), await SendAsync(app, 2, New)));
    }

    [Fact]
    public async Task Rotation_SecretOutsideItsTime_IsRefused()
    {
        await using var app = await TestApp.StartAsync(section: Configuration(
            ("Secrets:0:Value", New.Reveal()), ("Secrets:1:Value", Old.Reveal()), ("Secrets:1:NotAfter", "2020-01-01T00:00:00Z")));
        Assert.Equal((401, 204), (await SendAsync(app, 1, Old), await SendAsync(app, 2, New)));
    }

    /// <summary>It was said in advance that they are not to be believed, so it is no outage; but somebody has to know.</summary>
    [Theory]
    [InlineData("NotAfter", "2020-01-01T00:00:00Z")]
    [InlineData("NotBefore", "2999-01-01T00:00:00Z")]
    public async Task Rotation_EverySecretOutsideItsTime_Answers401_IsUnhealthy_UntilOneCounts(string key, string time)
    {
        await using var feed = await FeedServer.StartAsync(2);
        (feed.Accepts, feed.SignsWith) = ([Old], Old);
        var configuration = Configuration(
            ("Secrets:0:Value", Old.Reveal()), ($"Secrets:0:{key}", time), ("FeedBaseAddress", feed.Address.ToString()), ("Endpoint", Sent.Endpoint));
        await using var app = await TestApp.StartAsync(section: configuration);
        Assert.Equal((401, 401), (await SendAsync(app, 1, Old), await SendAsync(app, 1, New)));
        Assert.Equal(HealthStatus.Unhealthy, await app.HealthAsync());
        await Wait.UntilAsync(async () => await app.Status.GetAsync(TestApp.Source) is { LiveSecrets: 0, FeedError: "no secret is live" });
        Assert.Empty(feed.Reads);

        Change(configuration, ($"Secrets:0:{key}", ""));
        Assert.Equal(204, await SendAsync(app, 1, Old));
        await app.UntilProcessedAsync(2);
        await Wait.UntilAsync(async () => await app.HealthAsync() == HealthStatus.Healthy);
    }

    [Fact]
    public async Task Rotation_InvalidConfiguration_KeepsTheLastGoodOne()
    {
        var configuration = Configuration(("Secrets:0:Value", Old.Reveal()));
        await using var app = await TestApp.StartAsync(section: configuration);
        Assert.Equal(204, await SendAsync(app, 1, Old));
        Change(configuration, ("Secrets:0:Value", "whsec_nonsense!"));
        Assert.Equal(204, await SendAsync(app, 2, Old));
        Change(configuration, ("TimestampTolerance", "not a time"));
        Assert.Equal(204, await SendAsync(app, 3, Old));
        Change(configuration, ("TimestampTolerance", "00:05:00"), ("Secrets:0:Value", New.Reveal()));
        Assert.Equal(204, await SendAsync(app, 4, New));
    }

    [Fact]
    public async Task Start_WithoutSecret_FailsAndNamesTheKey()
    {
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(section: Configuration()));
        Assert.Contains("\"acme\":Secrets", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithWrongSecret_FailsAndNeverShowsIt()
    {
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(section: Configuration(("Secrets:0:Value", "whsec_c2VjcmV0"))));
        Assert.Contains("Secrets:0:Value", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<int> SendAsync(TestApp app, long seq, WebhookSecret secret)
    {
        var one = Sent.Event(seq);
        using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body, secret));
        return (int)response.StatusCode;
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(one => KeyValuePair.Create<string, string?>(one.Key, one.Value))).Build();

    private static void Change(IConfigurationRoot configuration, params (string Key, string Value)[] values)
    {
        foreach (var (key, value) in values) configuration[key] = value;
        configuration.Reload();
    }
}
