using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Webhooks.Dispatcher;
using Webhooks.Receiver;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Interop;

/// <summary>Over real HTTP: what the dispatcher sends, the npm libraries verify; what they sign, the receiver takes.</summary>
[Collection(NodeCollection.Name)]
public class DeliveryTests(NodeWebhooks node)
{
    [NodeFact]
    public async Task SentByTheDispatcher_BothLibrariesVerify_AlsoDuringARotation()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        var builder = Host();
        var connectionString = await SharedPostgres.CreateDatabaseAsync();
        builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = connectionString;
            options.MasterKey = Convert.ToBase64String(new byte[32]);
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
        });
        await using var app = builder.Build();
        await app.StartAsync();
        var application = await app.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");
        var endpoints = app.Services.GetRequiredService<IWebhookEndpoints>();
        var publisher = app.Services.GetRequiredService<IWebhookPublisher>();
        var endpoint = await endpoints.CreateAsync(application, new EndpointSettings(receiver.Url.ToString()));
        var names = Bodies.All;
        foreach (var name in names) await publisher.PublishAsync(new EventToPublish(application, "interop.test", Bodies.Named(name)));
        await receiver.WaitForAsync(names.Count, TimeSpan.FromSeconds(90));
        var renewed = await endpoints.RotateSecretAsync(endpoint.Id);
        await publisher.PublishAsync(EventToPublish.FromJson(application, "interop.test", "{}"));
        var requests = await receiver.WaitForAsync(names.Count + 1, TimeSpan.FromSeconds(90));

        foreach (var library in NodeWebhooks.Libraries)
        {
            foreach (var request in requests) Assert.True((await VerifyAsync(library, endpoint.Secret, request)).Valid, request.Text);
            Assert.True((await VerifyAsync(library, renewed, requests[^1])).Valid);
            Assert.False((await VerifyAsync(library, renewed, requests[0])).Valid);
        }
    }

    /// <summary>To a library a batch is a body like any other: the numbers of its events cannot be changed either.</summary>
    [NodeFact]
    public async Task Batch_BothLibrariesVerify_AndWhatTheySign_TheReceiverTakesWhole()
    {
        var secret = WebhookSecret.Generate();
        var names = Bodies.All.ToList();
        await using var receiver = await ScriptedReceiver.StartAsync();
        using var http = new HttpClient();
        var client = new SignedWebhookClient(http, receiver.Url, secret);
        (await client.PostBatchAsync("interop.test", 1, names.Count, seq => Encoding.UTF8.GetString(Bodies.Named(names[(int)seq - 1])))).Dispose();
        var batch = Assert.Single(receiver.Requests);
        var other = Encoding.UTF8.GetBytes(batch.Text.Replace("\"from\":1", "\"from\":2", StringComparison.Ordinal));
        var headers = batch.Headers.ToDictionary(header => header.Key, header => header.Value[0]);

        var builder = Host();
        builder.Services.AddWebhookReceiver("own", options => options.Secrets.Add(secret.Reveal())).UseMemoryInbox();
        await using var app = builder.Build();
        app.MapWebhookReceiver("/hooks", "own");
        await app.StartAsync();
        var taking = new SignedWebhookClient(http, new Uri(new Uri(app.Urls.First()), "/hooks"), secret);
        var status = app.Services.GetRequiredService<IWebhookReceiverStatus>();
        foreach (var library in NodeWebhooks.Libraries)
        {
            Assert.True((await VerifyAsync(library, secret, batch)).Valid);
            Assert.False((await node.VerifyAsync(library, secret.Reveal(), headers, other)).Valid);
            var timestamp = DateTimeOffset.UtcNow;
            var signature = await node.SignAsync(library, secret.Reveal(), batch.WebhookId, timestamp.ToUnixTimeSeconds(), batch.Body);
            using var answer = await taking.PostAsync(batch.WebhookId, batch.Body, new() { SignedAt = timestamp, SignatureHeader = signature });
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal(names.Count, (await status.GetAsync("own")).Counts.Received);
        }
    }

    [NodeFact]
    public async Task SignedByTheLibraries_TheReceiverTakesAndHandlesOnce()
    {
        var secret = WebhookSecret.Generate();
        var handled = new List<(string Id, byte[] Body)>();
        var builder = Host();
        builder.Services.AddWebhookReceiver("foreign", options => options.Secrets.Add(secret.Reveal()))
            .UseMemoryInbox()
            .HandleFallback((received, _, _) =>
            {
                lock (handled) handled.Add((received.Id, received.RawBody.ToArray()));
                return Task.CompletedTask;
            });
        await using var app = builder.Build();
        app.MapWebhookReceiver("/hooks", "foreign");
        await app.StartAsync();
        using var http = new HttpClient();
        var url = new Uri(new Uri(app.Urls.First()), "/hooks");
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        foreach (var library in NodeWebhooks.Libraries)
        {
            var body = """{"type":"invoice.paid","timestamp":"2026-11-21T00:00:00Z","data":{"price":"9.95 €"}}"""u8.ToArray();
            var id = "msg_" + library;
            var signature = await node.SignAsync(library, secret.Reveal(), id, timestamp, body);
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(id, signature, body));
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(id, signature, body));
            Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(id, signature, [.. body, (byte)' ']));
        }

        var status = app.Services.GetRequiredService<IWebhookReceiverStatus>();
        for (var i = 0; i < 12000 && (await status.GetAsync("foreign")).UnnumberedWaiting > 0; i++) await Task.Delay(5);
        lock (handled) Assert.Equal(["msg_standardwebhooks", "msg_svix"], handled.Select(one => one.Id));

        async Task<HttpStatusCode> PostAsync(string id, string signature, byte[] body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add(WebhookHeaders.Id, id);
            request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(System.Globalization.CultureInfo.InvariantCulture));
            request.Headers.Add(WebhookHeaders.Signature, signature);
            using var response = await http.SendAsync(request);
            return response.StatusCode;
        }
    }

    private Task<NodeWebhooks.Verdict> VerifyAsync(string library, WebhookSecret secret, CapturedRequest request) =>
        node.VerifyAsync(library, secret.Reveal(), request.Headers.ToDictionary(header => header.Key, header => header.Value[0]), request.Body);

    private static WebApplicationBuilder Host()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        return builder;
    }
}
