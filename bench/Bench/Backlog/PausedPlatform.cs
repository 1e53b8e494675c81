using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Backlog;

/// <summary>An application with an endpoint that is paused, and another whose paused endpoints all get the same events, to be read through the feed.</summary>
internal sealed record PausedPlatform(WebhookApplicationId Application, CreatedEndpoint Held, WebhookApplicationId FeedApplication, IReadOnlyList<CreatedEndpoint> Feeds)
{
    public static async Task<PausedPlatform> SetUpAsync(string connectionString, SinkProcess sink, int feeds, CancellationToken cancel)
    {
        await using var platform = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel);
        var applications = await platform.AddApplicationsAsync(2, cancel);
        var endpoints = new List<CreatedEndpoint>();
        for (var n = 0; n <= feeds; n++)
        {
            var endpoint = await platform.AddEndpointAsync(applications[n == 0 ? 0 : 1], sink.Url(n), cancel);
            await platform.Endpoints.PauseAsync(endpoint.Id, cancel);
            endpoints.Add(endpoint);
        }

        return new PausedPlatform(applications[0], endpoints[0], applications[1], endpoints[1..]);
    }

    public EventToPublish EventOf(int n) => new(Application, Payload.EventType, Payload.Data(n));

    public EventToPublish FeedEventOf(int n) => new(FeedApplication, Payload.EventType, Payload.Data(n));
}
