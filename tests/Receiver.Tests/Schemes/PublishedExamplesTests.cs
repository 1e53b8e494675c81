using System.Text;
using Microsoft.AspNetCore.Http;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>What the senders themselves have published as examples is what verifies here. Shopify has published none with all its parts.</summary>
public sealed class PublishedExamplesTests
{
    private const string GitHubSecret = "It's a Secret to Everybody";
    private const string GitHubSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    private const string SlackSecret = "8f742231b10e8888abcd99yyyzzz85a5";
    private const string SlackTime = "1531420618";
    private const string SlackSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    private const string SlackBody =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA" +
        "&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554" +
        "%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    private const string StripeSecret = "webhook_secret";
    private const string StripeV1 = "2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7";
    private const string StripeV0 = "63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef";
    private const string StripeSignature = $"t=1533204620,v1={StripeV1},v0={StripeV0}";

    // The event of Stripe's own library tests, line for line.
    private const string StripeBody = """
        {
          "id": "evt_123",
          "object": "event",
          "account": "acct_123",
          "api_version": "2017-05-25",
          "created": 1533204620,
          "data": {
            "object": {
              "id": "cus_123",
              "object": "customer",
              "created": 123456789,
              "email": "test@stripe.com",
              "livemode": false,
              "metadata": {}
            }
          },
          "livemode": false,
          "pending_webhooks": 1,
          "request": {
            "id": "req_123",
            "idempotency_key": "idempotency-key-123"
          },
          "type": "customer.created"
        }

        """;

    private static readonly DateTimeOffset SlackNow = DateTimeOffset.FromUnixTimeSeconds(1531420618);
    private static readonly DateTimeOffset StripeNow = DateTimeOffset.FromUnixTimeSeconds(1533204620);

    /// <summary>docs.github.com, "Validating webhook deliveries".</summary>
    [Fact]
    public void GitHub_ItsExample_Verifies() => Assert.Equal(
        VerificationStatus.Valid, Verify(new GitHubScheme(), GitHubSecret, "Hello, World!", default, ("X-Hub-Signature-256", GitHubSignature)));

    /// <summary>docs.slack.dev, "Verifying requests from Slack".</summary>
    [Theory]
    [InlineData(0, VerificationStatus.Valid)]
    [InlineData(300, VerificationStatus.Valid)]
    [InlineData(301, VerificationStatus.TimestampTooOld)]
    [InlineData(-301, VerificationStatus.TimestampTooNew)]
    public void Slack_ItsExample_VerifiesWithinTheTolerance(int seconds, VerificationStatus status) => Assert.Equal(
        status, Verify(new SlackScheme(), SlackSecret, SlackBody, SlackNow.AddSeconds(seconds), ("X-Slack-Request-Timestamp", SlackTime), ("X-Slack-Signature", SlackSignature)));

    /// <summary>stripe-dotnet, EventUtilityTest and event_test_signature.json.</summary>
    [Theory]
    [InlineData(0, VerificationStatus.Valid)]
    [InlineData(300, VerificationStatus.Valid)]
    [InlineData(301, VerificationStatus.TimestampTooOld)]
    [InlineData(-301, VerificationStatus.TimestampTooNew)]
    public void Stripe_ItsLibrarysExample_VerifiesWithinTheTolerance(int seconds, VerificationStatus status) =>
        Assert.Equal(status, Stripe(StripeSignature, StripeNow.AddSeconds(seconds)));

    /// <summary>Computed apart with Python's hmac and base64, for want of a published one.</summary>
    [Fact]
    public void Shopify_ComputedElsewhere_Verifies() => Assert.Equal(
        VerificationStatus.Valid, Verify(new ShopifyScheme(), "hush-hush", """{"id":820982911946154508}""", default,
            ("X-Shopify-Hmac-Sha256", "Tee3YpF35pCcQ4VpA7xaRvUaU8jattd/Rf/Cvq0k0tU=")));

    [Theory]
    [InlineData("", VerificationStatus.MissingSignature)]
    [InlineData("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", VerificationStatus.MalformedSignature)]
    [InlineData("sha1=757107ea0eb2509fc211221cce984b8a37570b6d", VerificationStatus.MalformedSignature)]
    [InlineData("sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", VerificationStatus.MalformedSignature)]
    [InlineData("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1", VerificationStatus.MalformedSignature)]
    [InlineData("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18", VerificationStatus.NoMatchingSignature)]
    [InlineData("SHA256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", VerificationStatus.MalformedSignature)]
    public void GitHub_AnotherSignature_IsRefused(string signature, VerificationStatus status) =>
        Assert.Equal(status, Verify(new GitHubScheme(), GitHubSecret, "Hello, World!", default, ("X-Hub-Signature-256", signature)));

    [Theory]
    [InlineData("", VerificationStatus.MissingSignature)]
    [InlineData("v1=" + StripeV1, VerificationStatus.MissingTimestamp)]
    [InlineData("t=,v1=" + StripeV1, VerificationStatus.MissingTimestamp)]
    [InlineData("t=1533204620", VerificationStatus.MalformedSignature)]
    [InlineData("t,v1=,v0=", VerificationStatus.MissingTimestamp)]
    [InlineData(",,", VerificationStatus.MissingTimestamp)]
    [InlineData("t=01533204620,v1=" + StripeV1, VerificationStatus.MalformedTimestamp)]
    [InlineData("t=+1533204620,v1=" + StripeV1, VerificationStatus.MalformedTimestamp)]
    [InlineData("t=1533204620,t=1533204620,v1=" + StripeV1, VerificationStatus.MalformedTimestamp)]
    [InlineData("t=1533204621,v1=" + StripeV1, VerificationStatus.NoMatchingSignature)]
    [InlineData("t=1533204620,v0=" + StripeV1, VerificationStatus.UnknownVersion)]
    [InlineData("t=1533204620,v1=" + StripeV0, VerificationStatus.NoMatchingSignature)]
    [InlineData("t=1533204620,v1=" + StripeV0 + ",v1=" + StripeV1, VerificationStatus.Valid)]
    [InlineData("t=1533204620,junk,v1=short,v1=" + StripeV1, VerificationStatus.Valid)]
    [InlineData("t=1533204620,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,v1=" + StripeV1, VerificationStatus.TooManySignatures)]
    public void Stripe_Header_IsReadExactly(string signature, VerificationStatus status) => Assert.Equal(status, Stripe(signature, StripeNow));

    [Theory]
    [InlineData("", SlackSignature, VerificationStatus.MissingTimestamp)]
    [InlineData(SlackTime, "", VerificationStatus.MissingSignature)]
    [InlineData("0" + SlackTime, SlackSignature, VerificationStatus.MalformedTimestamp)]
    [InlineData(SlackTime + ".0", SlackSignature, VerificationStatus.MalformedTimestamp)]
    [InlineData("1531420619", SlackSignature, VerificationStatus.NoMatchingSignature)]
    [InlineData(SlackTime, "v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", VerificationStatus.MalformedSignature)]
    public void Slack_Header_IsReadExactly(string timestamp, string signature, VerificationStatus status) => Assert.Equal(status, Verify(
        new SlackScheme(), SlackSecret, SlackBody, SlackNow, ("X-Slack-Request-Timestamp", timestamp), ("X-Slack-Signature", signature)));

    [Fact]
    public void AnyBody_OneBitOff_DoesNotVerify()
    {
        Assert.Equal(VerificationStatus.NoMatchingSignature, Verify(new GitHubScheme(), GitHubSecret, "Hello, World?", default, ("X-Hub-Signature-256", GitHubSignature)));
        Assert.Equal(VerificationStatus.NoMatchingSignature, Verify(new StripeScheme(), StripeSecret, StripeBody.TrimEnd(), StripeNow, ("Stripe-Signature", StripeSignature)));
    }

    [Fact]
    public void Secret_WithWhiteSpaceOrTooShort_SaysSoAndNeverShowsIt()
    {
        foreach (var text in new[] { "short", " a-secret-with-a-space", "a-secret-with-a-line-end\n", new string('x', 257) })
            Assert.DoesNotContain(text, Assert.Throws<FormatException>(() => TextSecret.Parse(text)).Message, StringComparison.Ordinal);
    }

    private static VerificationStatus Stripe(string signature, DateTimeOffset now) =>
        Verify(new StripeScheme(), StripeSecret, StripeBody, now, ("Stripe-Signature", signature));

    /// <summary>The right secret stands behind another one, as during a rotation.</summary>
    private static VerificationStatus Verify(IWebhookScheme scheme, string secret, string body, DateTimeOffset now, params (string Name, string Value)[] headers)
    {
        var all = new HeaderDictionary();
        foreach (var (name, value) in headers) all[name] = value;
        // Whatever the line ends of this file were made by a checkout.
        var request = new WebhookRequest(all, Encoding.UTF8.GetBytes(body.ReplaceLineEndings("\n")), "application/json", now);
        var result = scheme.Verify(request, [scheme.ReadSecret("another-secret"), scheme.ReadSecret(secret)], TimeSpan.FromMinutes(5));
        if (result.IsValid) Assert.Equal(1, result.SecretIndex);
        return result.Status;
    }
}
