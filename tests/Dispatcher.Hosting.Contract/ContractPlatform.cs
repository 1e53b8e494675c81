using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>A process of the platform, with the host under test or without any.</summary>
internal sealed class ContractPlatform : IAsyncDisposable
{
    private const string MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    /// <summary>For whatever is to come about: a machine that does six other things hesitates for long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly IHost _app;
    private readonly CutLine? _line;

    private ContractPlatform(IHost app, string connectionString, CutLine? line)
    {
        (_app, _line) = (app, line);
        Data = NpgsqlDataSource.Create(connectionString);
    }

    public NpgsqlDataSource Data { get; }

    public IWebhookPublisher Publisher => Get<IWebhookPublisher>();

    public IWebhookEndpoints Endpoints => Get<IWebhookEndpoints>();

    /// <param name="connectionString">Of the database that the processes share.</param>
    /// <param name="host">None for a process that only publishes.</param>
    /// <param name="canBeCut">Whether the process may be cut off.</param>
    /// <param name="configure">Other settings.</param>
    public static async Task<ContractPlatform> StartAsync(
        string connectionString, IHostUnderTest? host, bool canBeCut = false, Action<WebhookDispatcherOptions>? configure = null)
    {
        var own = new NpgsqlConnectionStringBuilder(connectionString);
        CutLine? line = null;
        if (canBeCut)
        {
            line = new CutLine(own.Host!, own.Port);
            (own.Host, own.Port) = ("127.0.0.1", line.Port);
        }

        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        if (Environment.GetEnvironmentVariable("WEBHOOKS_TEST_LOG") is not null) builder.Logging.AddSimpleConsole(options => options.SingleLine = true);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var dispatcher = builder.Services.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = own.ConnectionString;
            options.MasterKey = MasterKey;
            options.RunWorker = host is not null;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            options.Sending.Timeout = TimeSpan.FromSeconds(10);
            options.Sequencing.PollInterval = TimeSpan.FromMilliseconds(50);
            options.Delivery.PollInterval = TimeSpan.FromMilliseconds(50);
            // Long enough that a busy machine does not make one run out; short where a test waits for that.
            options.Delivery.LeaseDuration = canBeCut ? TimeSpan.FromSeconds(4) : TimeSpan.FromSeconds(30);
            options.Delivery.Linger = TimeSpan.FromMilliseconds(100);
            options.Delivery.Waits.Add(TimeSpan.FromMilliseconds(40));
            configure?.Invoke(options);
        });
        host?.AddTo(dispatcher, own.ConnectionString);
        var app = builder.Build();
        await app.StartAsync();
        return new ContractPlatform(app, connectionString, line);
    }

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Ends in its own way.</summary>
    public async Task StopAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _app.StopAsync(patience.Token);
    }

    /// <summary>To all others it is as if it had been killed.</summary>
    public void Cut() => _line!.Cut();

    public async Task<(WebhookApplicationId Application, WebhookEndpointId Endpoint)> AddEndpointAsync(Uri url, EndpointSettings? settings = null)
    {
        var application = await Get<IWebhookApplications>().CreateAsync("customer");
        return (application, (await Endpoints.CreateAsync(application, (settings ?? new EndpointSettings("")) with { Url = url.ToString() })).Id);
    }

    public async Task PublishAsync(WebhookApplicationId application, int count = 1)
    {
        for (var i = 0; i < count; i++) await Publisher.PublishAsync(EventToPublish.FromJson(application, "order.paid", "{}"));
    }

    /// <summary>Waits until all of a stream up to a number is settled.</summary>
    public async Task SettledAsync(WebhookEndpointId endpoint, long seq)
    {
        StreamStatus? stream = null;
        await UntilAsync(async () => (stream = await Endpoints.GetStreamAsync(endpoint)).Cursor >= seq, () => $"seq {seq} of {endpoint} is settled: {stream}");
    }

    public Task PausedAsync(WebhookEndpointId endpoint) =>
        UntilAsync(async () => (await Endpoints.GetStreamAsync(endpoint)).Status == EndpointStatus.Paused, "the endpoint is paused");

    public async Task<long> CountAsync(string sql)
    {
        await using var command = Data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public static long Seq(CapturedRequest request) => JsonElement.Parse(request.Body.Span).GetProperty("seq").GetInt64();

    /// <summary>Every number up to this one came, and each for the first time after the one before: sent again they may be at any time.</summary>
    public static void InOrder(ScriptedReceiver receiver, int events) =>
        Assert.Equal(Enumerable.Range(1, events).Select(seq => (long)seq), receiver.Requests.Select(Seq).Distinct());

    public static Task UntilAsync(Func<Task<bool>> condition, string what) => UntilAsync(condition, () => what);

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, $"In {Patience} it did not come about that {what()}.");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
        {
            try
            {
                await _app.StopAsync(patience.Token);
            }
            catch (Exception exception) when (_line is not null && exception is OperationCanceledException or NpgsqlException)
            {
                // Cut off, it cannot leave as it should.
            }
        }

        if (_app is IAsyncDisposable app) await app.DisposeAsync();
        if (_line is not null) await _line.DisposeAsync();
        await Data.DisposeAsync();
    }
}
