using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Webhooks.Receiver.Tests;

/// <summary>Senders with another scheme: verified, deduplicated by their own ids, handled by their own types, on a real server.</summary>
public sealed class ForeignSenderTests
{
    private const string Secret = "a-secret-of-the-sender";
    private const string Form = "application/x-www-form-urlencoded";

    private readonly ConcurrentQueue<WebhookEvent> _handled = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GitHub_Push_IsHandledOnceThoughSentTwice(bool memory)
    {
        await using var app = await StartAsync(builder => builder.FromGitHub(), "push", memory);
        const string Body = """{"ref":"refs/heads/main"}""";
        Assert.Equal((204, 204), (await GitHubAsync(app, "guid-1", Body), await GitHubAsync(app, "guid-1", Body)));
        Assert.Equal(204, await GitHubAsync(app, "guid-2", """{"zen":"…"}""", name: "ping"));
        await UntilDoneAsync(app);
        var one = Assert.Single(_handled);
        Assert.Equal(("guid-1", "push", Body, null), (one.Id, one.Type, Encoding.UTF8.GetString(one.Data.Span), one.Seq));
        var counts = (await app.Status.GetAsync(TestApp.Source)).Counts;
        Assert.Equal((2, 1), (counts.Received, counts.Duplicates));
    }

    [Fact]
    public async Task GitHub_Form_GivesTheHandlerTheJson_AndKeepsTheExactBody()
    {
        await using var app = await StartAsync(builder => builder.FromGitHub(), "push");
        const string Body = "payload=%7B%22ref%22%3A%22a+b%2Bc%22%7D";
        Assert.Equal(204, await GitHubAsync(app, "guid-1", Body, mediaType: Form));
        await UntilDoneAsync(app);
        var one = Assert.Single(_handled);
        Assert.Equal(("""{"ref":"a b+c"}""", Body), (Encoding.UTF8.GetString(one.Data.Span), Encoding.UTF8.GetString(one.RawBody.Span)));
    }

    [Theory]
    [InlineData("push", "guid-1", "{", "application/json")]
    [InlineData("push", "guid-1", "{}", Form)]
    [InlineData("push", "guid-1", "payload=%7B", Form)]
    [InlineData("push", "guid-1", "payload=%FF", Form)]
    [InlineData("push", "", "{}", "application/json")]
    [InlineData("", "guid-1", "{}", "application/json")]
    [InlineData("pu sh", "guid-1", "{}", "application/json")]
    public async Task GitHub_SignedButWithoutWhatItNeeds_Answers400(string name, string delivery, string body, string mediaType)
    {
        await using var app = await StartAsync(builder => builder.FromGitHub(), "push");
        Assert.Equal(400, await GitHubAsync(app, delivery, body, name, mediaType));
    }

    [Fact]
    public async Task GitHub_HeaderTwiceOrLong_Answers400_AndAnotherSecret401()
    {
        await using var app = await StartAsync(builder => builder.FromGitHub(), "push");
        Assert.Equal(400, await SendAsync(app, "{}", ("X-Hub-Signature-256", GitHub("{}")), ("X-GitHub-Delivery", "1"), ("X-GitHub-Delivery", "2"), ("X-GitHub-Event", "push")));
        Assert.Equal(400, await SendAsync(app, "{}", ("X-Hub-Signature-256", GitHub("{}")), ("X-GitHub-Delivery", "1"), ("X-GitHub-Event", new string('x', 5000))));
        Assert.Equal(401, await SendAsync(app, "{}", ("X-Hub-Signature-256", GitHub("{ }")), ("X-GitHub-Delivery", "1"), ("X-GitHub-Event", "push")));
    }

    [Fact]
    public async Task Stripe_Event_IsHandledByTheIdAndTypeOfItsBody()
    {
        await using var app = await StartAsync(builder => builder.FromStripe(), "invoice.paid");
        const string Body = """{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{"id":"in_1"}}}""";
        Assert.Equal((204, 204), (await StripeAsync(app, Body), await StripeAsync(app, Body)));
        Assert.Equal(400, await StripeAsync(app, """{"object":"event","type":"invoice.paid"}"""));
        Assert.Equal(400, await StripeAsync(app, """{"id":"evt_2","type":"a","type":"b"}"""));
        await UntilDoneAsync(app);
        var one = Assert.Single(_handled);
        Assert.Equal(("evt_1", "invoice.paid", Body), (one.Id, one.Type, Encoding.UTF8.GetString(one.Data.Span)));
    }

    [Fact]
    public async Task Stripe_OldTimestamp_Answers401()
    {
        await using var app = await StartAsync(builder => builder.FromStripe(), "invoice.paid");
        Assert.Equal(401, await StripeAsync(app, """{"id":"evt_1","type":"invoice.paid"}""", DateTimeOffset.UtcNow.AddMinutes(-6)));
    }

    [Fact]
    public async Task Slack_Challenge_IsAnsweredWhenSigned_AndStoresNothing()
    {
        await using var app = await StartAsync(builder => builder.FromSlack(), "app_mention");
        const string Body = """{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV","type":"url_verification"}""";
        using (var answer = await app.SendAsync(Request(Body, "application/json", Slack(Body))))
        {
            Assert.Equal((200, "3eZbrw1aBm2rZgRNFdxV"), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
            Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        }

        using (var answer = await app.SendAsync(Request(Body, "application/json", Slack(Body + " "))))
            Assert.Equal((401, ""), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Equal(0, (await app.Status.GetAsync(TestApp.Source)).Counts.Received);
    }

    [Fact]
    public async Task Slack_Event_IsHandledByItsIdAndInnerType_AndAFormIsRefused()
    {
        await using var app = await StartAsync(builder => builder.FromSlack(), "app_mention");
        const string Body = """{"type":"event_callback","event":{"type":"app_mention","text":"hi"},"event_id":"Ev08MFMKH6"}""";
        Assert.Equal((204, 204), (await SendAsync(app, Body, Slack(Body)), await SendAsync(app, Body, Slack(Body))));
        const string Limited = """{"type":"app_rate_limited","team_id":"T1","minute_rate_limited":1518467820}""";
        Assert.Equal((204, 204), (await SendAsync(app, Limited, Slack(Limited)), await SendAsync(app, Limited, Slack(Limited))));
        using (var answer = await app.SendAsync(Request("payload=%7B%7D", Form, Slack("payload=%7B%7D")))) Assert.Equal(415, (int)answer.StatusCode);
        await UntilDoneAsync(app);
        var one = Assert.Single(_handled);
        Assert.Equal(("Ev08MFMKH6", "app_mention"), (one.Id, one.Type));
        Assert.Equal(2, (await app.Status.GetAsync(TestApp.Source)).Counts.Received);
    }

    [Fact]
    public async Task Shopify_Webhook_IsHandledOnceByItsIdAndTopic()
    {
        await using var app = await StartAsync(builder => builder.FromShopify(), "orders/create");
        const string Body = """{"id":820982911946154508}""";
        var signature = Convert.ToBase64String(Mac(Body));
        for (var i = 0; i < 2; i++)
            Assert.Equal(204, await SendAsync(app, Body, ("X-Shopify-Hmac-Sha256", signature), ("X-Shopify-Topic", "orders/create"),
                ("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"), ("X-Shopify-Event-Id", "98880550-7158-44d4-b7cd-2c97c8a091b5")));
        await UntilDoneAsync(app);
        var one = Assert.Single(_handled);
        Assert.Equal(("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "orders/create"), (one.Id, one.Type));
    }

    [Fact]
    public async Task Start_FeedOfASenderWithoutOne_NamesTheKey()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartAsync(
            options => (options.Secrets[0].Value, options.FeedBaseAddress) = (Secret, new Uri("https://example.com/")), builder => builder.FromGitHub(), memory: true));
        Assert.Contains("FeedBaseAddress", error.Message, StringComparison.Ordinal);
        Assert.Contains("GitHub", error.Message, StringComparison.Ordinal);
    }

    private Task<TestApp> StartAsync(Action<IWebhookReceiverBuilder> from, string type, bool memory = true) => TestApp.StartAsync(
        options => options.Secrets[0].Value = Secret,
        builder =>
        {
            from(builder);
            builder.Handle(type, (one, _, _) =>
            {
                _handled.Enqueue(one);
                return Task.CompletedTask;
            });
        },
        memory: memory);

    private static Task UntilDoneAsync(TestApp app) => Wait.UntilAsync(async () =>
        await app.Status.GetAsync(TestApp.Source) is { UnnumberedWaiting: 0, Counts.Received: > 0 });

    private static Task<int> GitHubAsync(TestApp app, string delivery, string body, string name = "push", string mediaType = "application/json") =>
        SendAsync(app, body, mediaType, ("X-Hub-Signature-256", GitHub(body)), ("X-GitHub-Delivery", delivery), ("X-GitHub-Event", name));

    private static Task<int> StripeAsync(TestApp app, string body, DateTimeOffset? at = null)
    {
        var time = (at ?? DateTimeOffset.UtcNow).ToUnixTimeSeconds();
        return SendAsync(app, body, ("Stripe-Signature", $"t={time},v1={Convert.ToHexStringLower(Mac($"{time}.{body}"))}"));
    }

    private static (string, string)[] Slack(string body)
    {
        var time = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return [("X-Slack-Request-Timestamp", $"{time}"), ("X-Slack-Signature", "v0=" + Convert.ToHexStringLower(Mac($"v0:{time}:{body}")))];
    }

    private static string GitHub(string body) => "sha256=" + Convert.ToHexStringLower(Mac(body));

    private static byte[] Mac(string content) => HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes(content));

    private static Task<int> SendAsync(TestApp app, string body, params (string Name, string Value)[] headers) => SendAsync(app, body, "application/json", headers);

    private static async Task<int> SendAsync(TestApp app, string body, string mediaType, params (string Name, string Value)[] headers)
    {
        using var response = await app.SendAsync(Request(body, mediaType, headers));
        return (int)response.StatusCode;
    }

    private static HttpRequestMessage Request(string body, string mediaType, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/hooks/acme") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }
}
