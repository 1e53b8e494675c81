using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Quickstart;
using Webhooks.Receiver;
using Webhooks.Testing;

namespace Webhooks.EndToEnd;

/// <summary>A platform and a customer's receiver, both on real Kestrel, of which the platform's database is taken away.</summary>
internal sealed class Rehearsal : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-rehearsal-").FullName;
    private readonly string _platformUrl = $"http://127.0.0.1:{FreePort.Next()}";
    private readonly string _receiverUrl = $"http://127.0.0.1:{FreePort.Next()}";
    private readonly string _database;
    private WebApplication? _platform;
    private WebApplication? _receiver;
    private WebhookApplicationId _application;

    private Rehearsal(string database) => _database = database;

    public WebhookEndpointId Endpoint { get; private set; }

    /// <summary>The ids of what was published, in order.</summary>
    public List<string> Published { get; } = [];

    /// <summary>What the receiver's handler did, in order.</summary>
    public List<Effect> Effects => ReceiverHost.ReadEffects(_folder);

    public IServiceProvider Platform => _platform!.Services;

    public static async Task<Rehearsal> StartAsync(string database)
    {
        var rehearsal = new Rehearsal(database);
        await rehearsal.StartPlatformAsync();
        rehearsal._application = await rehearsal.Platform.GetRequiredService<IWebhookApplications>().CreateAsync("customer");
        var endpoint = await rehearsal.Platform.GetRequiredService<IWebhookEndpoints>().CreateAsync(
            rehearsal._application, new EndpointSettings($"{rehearsal._receiverUrl}/hooks"));
        rehearsal.Endpoint = endpoint.Id;
        await ReceiverHost.WriteSettingsAsync(rehearsal._folder, new Uri(rehearsal._platformUrl), endpoint.Id.Value, endpoint.Secret.Reveal());
        rehearsal._receiver = await ReceiverHost.StartAsync(rehearsal._folder, rehearsal._receiverUrl);
        return rehearsal;
    }

    public async Task StartPlatformAsync(bool worker = true) =>
        _platform = await PlatformHost.StartAsync(_database, _platformUrl, TimeSpan.FromSeconds(2), worker);

    public async Task StopPlatformAsync()
    {
        await _platform!.StopAsync();
        await _platform.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>Publishes, again and again where the database is just not there; gives the ids.</summary>
    public async Task<List<string>> PublishAsync(int events)
    {
        var ids = new List<string>();
        var until = DateTime.UtcNow.AddSeconds(180);
        while (ids.Count < events)
        {
            try
            {
                var id = await Platform.GetRequiredService<IWebhookPublisher>().PublishAsync(EventToPublish.FromJson(_application, "order.paid", $$"""{"n":{{Published.Count}}}"""));
                ids.Add(id.Value);
                Published.Add(id.Value);
            }
            catch (Exception exception) when (exception is NpgsqlException or WebhookPublishException && DateTime.UtcNow < until)
            {
                await Task.Delay(50);
            }
        }

        return ids;
    }

    public Task<StreamStatus> SenderAsync() => Platform.GetRequiredService<IWebhookEndpoints>().GetStreamAsync(Endpoint);

    public async Task<WebhookStreamStatus> ReceiverAsync() =>
        Assert.Single((await _receiver!.Services.GetRequiredService<IWebhookReceiverStatus>().GetAsync(ReceiverHost.Source)).Streams);

    /// <summary>Waits until all of these had their effect, and the sender knows.</summary>
    public Task UntilProcessedAsync(IReadOnlyCollection<string> ids) => UntilAsync(
        async () => ids.Except(Effects.Select(effect => effect.EventId)).Any() ? false : await SenderAsync() is var sender && sender.Cursor == sender.Head,
        async () => $"{ids.Count} events are processed; of {Effects.Count} effects; the sender is {await SenderAsync()}, the receiver {await ReceiverAsync()}");

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<Task<string>> what)
    {
        var until = DateTime.UtcNow.AddSeconds(180);
        while (!await condition())
        {
            if (DateTime.UtcNow > until) Assert.Fail($"In 180 s it did not come about that {await what()}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_platform is not null) await _platform.DisposeAsync();
        if (_receiver is not null) await _receiver.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }
}
