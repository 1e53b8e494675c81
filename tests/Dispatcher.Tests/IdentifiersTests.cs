namespace Webhooks.Dispatcher.Tests;

public class IdentifiersTests
{
    [Fact]
    public void New_RoundTrips()
    {
        var (application, endpoint, published) = (ApplicationId.New(), EndpointId.New(), EventId.New());
        Assert.Equal(application, ApplicationId.Parse(application.Value));
        Assert.Equal(endpoint, EndpointId.Parse(endpoint.ToString()));
        Assert.Equal(published, EventId.Parse(published.Value));
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
        Assert.False(EndpointId.TryParse(text, out var id));
        Assert.Equal(default, id);
        Assert.Throws<FormatException>(() => EndpointId.Parse(text!));
        Assert.False(EventId.TryParse(text, out _));
    }

    [Fact]
    public void Default_IsNobody()
    {
        Assert.Equal("ep_", default(EndpointId).Value);
        Assert.False(ApplicationId.TryParse(default(ApplicationId).Value, out _));
    }
}
