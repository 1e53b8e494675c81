namespace Webhooks.Dispatcher.Tests;

public class IdentifiersTests
{
    [Fact]
    public void New_RoundTrips()
    {
        var (application, endpoint, published) = (WebhookApplicationId.New(), WebhookEndpointId.New(), WebhookEventId.New());
        Assert.Equal(application, WebhookApplicationId.Parse(application.Value));
        Assert.Equal(endpoint, WebhookEndpointId.Parse(endpoint.ToString()));
        Assert.Equal(published, WebhookEventId.Parse(published.Value));
        Assert.Matches("^evt_[0-9a-f]{32}$", published.Value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ep_")]
    [InlineData("app_0123456789abcdef0123456789abcdef")]
    [InlineData("EP_0123456789abcdef0123456789abcdef")]
    [InlineData("ep_0123456789ABCDEF0123456789abcdef")]
    [InlineData("ep_0123456789abcdef0123456789abcde")]
    [InlineData("ep_0123456789abcdef0123456789abcdef0")]
    [InlineData("ep_0123456789abcdef0123456789abcdeg")]
    [InlineData(" ep_0123456789abcdef0123456789abcdef")]
    public void Parse_AnythingElse_IsRefused(string? text)
    {
        Assert.False(WebhookEndpointId.TryParse(text, out var id));
        Assert.Equal(default, id);
        Assert.Throws<FormatException>(() => WebhookEndpointId.Parse(text!));
        Assert.False(WebhookEventId.TryParse(text, out _));
    }

    [Fact]
    public void NewGuids_Many_AreOfVersion7AndInOrderAndBehindThoseBefore()
    {
        var before = WebhookEventId.NewGuids(1)[0];
        // Ids are in order only from one millisecond to the next.
        SpinWait.SpinUntil(() => string.CompareOrdinal(WebhookEventId.New().Value[..16], new WebhookEventId(before).Value[..16]) > 0);
        var guids = WebhookEventId.NewGuids(1000);
        Assert.Equal(guids.Length, guids.Distinct().Count());
        Assert.All(guids, guid => Assert.Equal((7, true), (guid.Version, guid.Variant is >= 8 and <= 11)));
        var written = guids.Prepend(before).Select(guid => new WebhookEventId(guid).Value).ToList();
        Assert.Equal(written.Order(StringComparer.Ordinal), written);
        Assert.Empty(WebhookEventId.NewGuids(0));
    }

    [Fact]
    public void Default_IsNobody()
    {
        Assert.Equal("ep_", default(WebhookEndpointId).Value);
        Assert.False(WebhookApplicationId.TryParse(default(WebhookApplicationId).Value, out _));
    }
}
