using System.Text;
using Webhooks.Dispatcher;

namespace Webhooks.Signing.NSec.Tests;

/// <summary>The feed by an API key, for a receiver that cannot sign: its answers are signed with the pair.</summary>
public class FeedTests
{
    [Fact]
    public async Task Feed_ByKey_IsAnsweredWithASignatureOfThePair()
    {
        await using var platform = await TestPlatform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), WebhookSecret.GenerateEd25519());
        var (_, other) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"), WebhookSecret.GenerateEd25519());
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.PublishAsync(application, 3);
        await Until.TrueAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Head == 3, "the events are numbered");
        var reads = await platform.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.EventsRead], Application = application, Endpoint = endpoint.Id });
        var writes = await platform.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.EndpointsWrite], Application = application });

        var (status, body, isSigned) = await platform.AskAsReceiverAsync(reads, Read(endpoint), endpoint.Secret);
        Assert.Equal((200, 3, true), (status, body["data"]!.AsArray().Count, isSigned));
        // What comes after a key was taken is signed; that it was not is said by nobody in particular.
        Assert.Equal((409, true), Of(await platform.AskAsReceiverAsync(writes, Resume(endpoint), endpoint.Secret)));
        Assert.Equal((403, false), Of(await platform.AskAsReceiverAsync(reads, Resume(endpoint), endpoint.Secret)));
        Assert.Equal((403, false), Of(await platform.AskAsReceiverAsync(writes, Read(endpoint), endpoint.Secret)));
        Assert.Equal((401, false), Of(await platform.AskAsReceiverAsync(reads, Read(other), other.Secret)));
        Assert.Equal((401, false), Of(await platform.AskAsReceiverAsync("wk_" + new string('0', 64), Read(endpoint), endpoint.Secret)));
        Assert.Equal((401, false), Of(await platform.AskAsReceiverAsync(null, Read(endpoint), endpoint.Secret)));

        // Without an id to sign the answer to it is an operator's request, as before.
        var read = await platform.AskAsync(reads, "GET", $"/endpoints/{endpoint.Id}/events?after=1");
        Assert.Equal((200, 2), (read.Status, read.Body["data"]!.AsArray().Count));

        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings("http://127.0.0.1:9/") { ReceiverAccess = ReceiverAccess.None });
        Assert.Equal((403, true), Of(await platform.AskAsReceiverAsync(reads, Read(endpoint), endpoint.Secret)));
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        Assert.Equal((410, true), Of(await platform.AskAsReceiverAsync(reads, Read(endpoint), endpoint.Secret)));
    }

    private static HttpRequestMessage Read(CreatedEndpoint endpoint) => new(HttpMethod.Get, $"/v1/endpoints/{endpoint.Id}/events?after=0&limit=10");

    private static HttpRequestMessage Resume(CreatedEndpoint endpoint) => new(HttpMethod.Post, $"/v1/endpoints/{endpoint.Id}/resume")
    {
        Content = new StringContent("""{"after":3}""", Encoding.UTF8, "application/json"),
    };

    private static (int Status, bool IsSigned) Of((int Status, System.Text.Json.Nodes.JsonNode Body, bool IsSigned) answer) => (answer.Status, answer.IsSigned);
}
