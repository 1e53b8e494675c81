using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Links;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>One drill on one driver, set up: a database, the dispatcher, endpoints and their stubs, perhaps a receiver.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private const int PublishedAtOnce = 500;
    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-drill-").FullName;
    private readonly List<Target> _targets = [];
    private readonly List<Node> _nodes = [];
    private readonly List<IAsyncDisposable> _owned = [];
    private Platform? _platform;

    private Stage(Drill drill, IStubDriver driver, double scale, CancellationToken cancel) => (Drill, Driver, Scale, Cancel) = (drill, driver, scale, cancel);

    public Drill Drill { get; }

    public IStubDriver Driver { get; }

    /// <summary>By how much waits are stretched.</summary>
    public double Scale { get; }

    /// <summary>Cancelled when the drill's time is up.</summary>
    public CancellationToken Cancel { get; }

    public StageLog Log { get; } = new();

    /// <summary>The drill's own server; null when it shares one.</summary>
    public PrivatePostgres? Server { get; private set; }

    public string ConnectionString { get; private set; } = "";

    public NpgsqlDataSource Data { get; private set; } = null!;

    /// <summary>Publishes and manages, and delivers unless there are nodes that do.</summary>
    public Platform Platform => _platform!;

    public IReadOnlyList<Node> Nodes => _nodes;

    public IReadOnlyList<Target> Targets => _targets;

    public Target Target => _targets[0];

    /// <summary>The receiver behind the first stub, when the drill has one.</summary>
    public CustomerReceiver? Receiver { get; private set; }

    /// <summary>This machine, as the stubs see it.</summary>
    public IPAddress Here { get; private set; } = IPAddress.Loopback;

    public Counters Counters { get; private set; } = null!;

    /// <summary>What steps leave for later ones, and for expectations.</summary>
    public ConcurrentDictionary<string, object> Notes { get; } = [];

    /// <summary>Something of a step that ends with the stage, after the dispatcher.</summary>
    public T Own<T>(T owned) where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    /// <param name="drill">What is rehearsed.</param>
    /// <param name="driver">Who plays the customer.</param>
    /// <param name="databases">Where the dispatcher's database comes from.</param>
    /// <param name="scale">By how much waits are stretched.</param>
    /// <param name="cancel">The end of the drill's time.</param>
    public static async Task<Stage> SetUpAsync(Drill drill, IStubDriver driver, Databases databases, double scale, CancellationToken cancel)
    {
        var stage = new Stage(drill, driver, scale, cancel);
        try
        {
            await stage.SetUpAsync(databases);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes so many events for each endpoint's application.</summary>
    public async Task PublishAsync(int count)
    {
        foreach (var target in _targets)
        {
            for (var done = 0; done < count; done += PublishedAtOnce)
            {
                var first = target.Published.Count;
                EventToPublish[] events = [.. Enumerable.Range(first + 1, Math.Min(PublishedAtOnce, count - done)).Select(number =>
                    new EventToPublish(target.Application, "order.placed", Encoding.UTF8.GetBytes(FormattableString.Invariant($"{{\"order\":{number}}}"))))];
                await using var connection = await Data.OpenConnectionAsync(Cancel);
                await using var transaction = await connection.BeginTransactionAsync(Cancel);
                var ids = await Platform.Publisher.PublishAsync(events, transaction, Cancel);
                await transaction.CommitAsync(Cancel);
                target.Published.AddRange(ids);
            }
        }

        await Platform.Publisher.WakeAsync(Cancel);
    }

    /// <summary>What both sides look like now.</summary>
    public Task<Evidence> SeeAsync(Look look) => EvidenceReader.ReadAsync(this, look);

    /// <summary>Ends the dispatcher in this process and starts another on the same database.</summary>
    public async Task RestartPlatformAsync()
    {
        await Platform.DisposeAsync();
        await StartPlatformAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        if (_platform is not null) await _platform.DisposeAsync();
        if (Receiver is not null) await Receiver.DisposeAsync();
        foreach (var owned in _owned) await owned.DisposeAsync();
        foreach (var target in _targets) await target.Stub.DisposeAsync();
        Counters?.Dispose();
        if (Data is not null) await Data.DisposeAsync();
        if (Server is not null) await Server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task SetUpAsync(Databases databases)
    {
        if (Drill.OwnServer) (Server, ConnectionString) = await Databases.OwnAsync(Cancel);
        else ConnectionString = await databases.CreateAsync(Cancel);
        Data = NpgsqlDataSource.Create(ConnectionString);
        Counters = new Counters();
        await StartPlatformAsync();
        for (var i = 0; i < Drill.Endpoints; i++)
        {
            var far = await Driver.OpenAsync(new StubOpening(Drill.Stub.Scaled(Scale), Drill.Tls), Cancel);
            Here = NearStub.SeenFrom(far.Url);
            var stub = NearStub.Of(far);
            var settings = Drill.Endpoint(new EndpointSettings(stub.Url.ToString()));
            var application = await Platform.Applications.CreateAsync($"customer {i + 1}", Cancel);
            var created = await Platform.Endpoints.CreateAsync(application, settings, Cancel);
            _targets.Add(new Target(application, created.Id, stub, settings, [created.Secret]));
        }

        if (Drill.Receiver is { } plan)
        {
            Receiver = new CustomerReceiver(plan, this, _folder);
            Receiver.Configure(Target.Secrets[0].Reveal());
            await Target.Stub.ForwardToAsync(Receiver.Url, Cancel);
            await Receiver.StartAsync(Cancel);
        }

        for (var i = 0; i < Drill.Nodes; i++)
        {
            var path = Path.Combine(_folder, $"node-{i}.json");
            await Node.WriteSettingsAsync(path, ConnectionString, Drill.Tuning.Settings(Scale));
            _nodes.Add(new Node(i, path, line => Log.Add("dispatcher", line)));
            await _nodes[i].StartAsync();
        }
    }

    /// <summary>Starts one more dispatcher in this process, on the same database or another.</summary>
    public Task<Platform> StartAnotherAsync(string connectionString, bool worker) =>
        Platform.StartAsync(connectionString, Drill.Tuning.Settings(Scale), worker, Drill.Services, line => Log.Add("dispatcher", line), Cancel);

    private async Task StartPlatformAsync()
    {
        _platform = await Platform.StartAsync(
            ConnectionString, Drill.Tuning.Settings(Scale), worker: Drill.Nodes == 0, Drill.Services, line => Log.Add("dispatcher", line), Cancel);
        Counters.Watch(_platform.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());
    }
}
