using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Tests.Shared;

namespace Webhooks.Dispatcher.Tests;

/// <summary>A platform: the dispatcher and its feed in a real web application, on a database of its own.</summary>
internal sealed class Platform : IAsyncDisposable
{
    public const string MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private readonly WebApplication _app;

    private Platform(WebApplication app, string connectionString)
    {
        _app = app;
        ConnectionString = connectionString;
        Data = NpgsqlDataSource.Create(connectionString);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Data { get; }

    public Uri Url => new(_app.Urls.First());

    public IWebhookPublisher Publisher => Get<IWebhookPublisher>();

    public IWebhookApplications Applications => Get<IWebhookApplications>();

    public IWebhookEndpoints Endpoints => Get<IWebhookEndpoints>();

    public static async Task<Platform> StartAsync(
        Action<WebhookDispatcherOptions>? configure = null, string? connectionString = null, bool worker = true, Action<IServiceCollection>? services = null,
        Action<WebApplication>? map = null)
    {
        connectionString ??= await FreshDatabase.CreateAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        if (Environment.GetEnvironmentVariable("WEBHOOKS_TEST_LOG") is not null) builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = connectionString;
            options.MasterKey = MasterKey;
            options.RunWorker = worker;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            // So long that a machine that hesitates neither times out an attempt nor loses a lease; a test whose subject they are sets them.
            options.Sending.Timeout = TimeSpan.FromSeconds(60);
            options.Sending.ConnectTimeout = TimeSpan.FromSeconds(30);
            options.Sequencing.PollInterval = TimeSpan.FromMilliseconds(50);
            options.Delivery.PollInterval = TimeSpan.FromMilliseconds(20);
            options.Delivery.LeaseDuration = TimeSpan.FromSeconds(30);
            options.Delivery.Linger = TimeSpan.FromMilliseconds(100);
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(40));
            configure?.Invoke(options);
        });
        builder.Services.AddHealthChecks().AddWebhookDispatcherCheck();
        services?.Invoke(builder.Services);
        var app = builder.Build();
        if (map is null) app.MapWebhookFeed();
        else map(app);
        app.MapHealthChecks("/health");
        var listeners = worker ? await Listeners.ReadAsync(connectionString) : [];
        await app.StartAsync();
        if (worker) await Listeners.WaitForNewAsync(connectionString, listeners);
        return new Platform(app, connectionString);
    }

    /// <summary>Stops as a host does: gracefully, for as long as it is willing to wait.</summary>
    public async Task StopAsync(TimeSpan? patience = null)
    {
        using var giveUp = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(30));
        await _app.StopAsync(giveUp.Token);
    }

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Takes endpoints that are due as a node that has no worker, and so never renews.</summary>
    public async Task<List<EndpointLease>> ClaimAsync(int most)
    {
        await JoinAsync();
        return await Get<LeaseStore>().ClaimAsync(most, default);
    }

    /// <summary>Makes a node of a process that has no worker, for one lease duration. It never renews.</summary>
    public Task JoinAsync() => ExecuteAsync(
        $"""
        INSERT INTO webhooks.node (node, name, expires_at, capacity)
        VALUES ('{Get<NodeLease>().Id}', 'by hand', clock_timestamp() + interval '{Get<IOptions<WebhookDispatcherOptions>>().Value.Delivery.LeaseDuration.TotalSeconds} s', 5000)
        ON CONFLICT DO NOTHING
        """);

    /// <summary>An application with one endpoint at this URL.</summary>
    public async Task<(WebhookApplicationId Application, CreatedEndpoint Endpoint)> AddEndpointAsync(Uri url, EndpointSettings? settings = null)
    {
        var application = await Applications.CreateAsync("customer");
        return (application, await Endpoints.CreateAsync(application, (settings ?? new EndpointSettings("")) with { Url = url.ToString() }));
    }

    public Task<WebhookEventId> PublishAsync(WebhookApplicationId application, string json = "{}", string type = "order.paid") =>
        Publisher.PublishAsync(EventToPublish.FromJson(application, type, json));

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Data.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task<int> ExecuteAsync(string sql)
    {
        await using var command = Data.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<List<T>> ListAsync<T>(string sql)
    {
        await using var command = Data.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var list = new List<T>();
        while (await reader.ReadAsync()) list.Add(await reader.GetFieldValueAsync<T>(0));
        return list;
    }

    /// <summary>Waits until something is so; fails with what was waited for.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what, int seconds = 60)
    {
        var until = DateTime.UtcNow.AddSeconds(seconds);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < until, $"In {seconds} s it did not come about that {what}.");
            await Task.Delay(5);
        }
    }

    /// <summary>Waits until a stream is as asked for; fails with what it was last.</summary>
    public async Task<StreamStatus> WaitForStreamAsync(WebhookEndpointId endpoint, Func<StreamStatus, bool> condition, int seconds = 60)
    {
        var until = DateTime.UtcNow.AddSeconds(seconds);
        while (true)
        {
            var status = await Endpoints.GetStreamAsync(endpoint);
            if (condition(status)) return status;
            Assert.True(DateTime.UtcNow < until, $"The stream stayed {status}");
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await Data.DisposeAsync();
    }
}
