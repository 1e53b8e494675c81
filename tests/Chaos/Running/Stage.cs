using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Chaos.Cast;
using Webhooks.Chaos.Judging;
using Webhooks.Chaos.Planning;
using Webhooks.Dispatcher;
using Webhooks.Testing;

namespace Webhooks.Chaos.Running;

/// <summary>A private PostgreSQL, the processes, and the operator's own access to the dispatcher: set up, and taken down with all it made.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly SemaphoreSlim[] _configurations;
    private readonly string[] _feeds;
    private WebApplication? _operator;

    private Stage(ChaosPlan plan, PrivatePostgres postgres, string database, string folder)
    {
        (Plan, Postgres, Database, Folder) = (plan, postgres, database, folder);
        Data = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { ApplicationName = "chaos" }.ConnectionString);
        _configurations = [.. Enumerable.Range(0, plan.Settings.Receivers).Select(_ => new SemaphoreSlim(1, 1))];
        _feeds = [.. Enumerable.Range(0, plan.Settings.Dispatchers).Select(_ => Address())];
    }

    public ChaosPlan Plan { get; }

    public PrivatePostgres Postgres { get; }

    public string Database { get; }

    public string Folder { get; }

    public NpgsqlDataSource Data { get; }

    public List<Slot> Slots { get; } = [];

    public Dictionary<Role, Actor[]> Actors { get; } = [];

    public IWebhookEndpoints Endpoints => _operator!.Services.GetRequiredService<IWebhookEndpoints>();

    public static async Task<Stage> SetUpAsync(ChaosPlan plan, CancellationToken cancel)
    {
        // The disk is not what is tested: what a process wrote outlives it without a sync.
        var options = new PrivatePostgresOptions { MaxConnections = 500 };
        (options.Settings["fsync"], options.Settings["track_commit_timestamp"]) = ("off", "on");
        var postgres = await PrivatePostgres.StartAsync(options, cancel);
        var stage = new Stage(plan, postgres, await postgres.CreateDatabaseAsync("chaos", cancel), Directory.CreateTempSubdirectory("webhooks-chaos-").FullName);
        try
        {
            await stage.SetUpAsync(cancel);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public string ReceiverFolder(int receiver) => Path.Combine(Folder, FormattableString.Invariant($"receiver-{receiver}"));

    public string FolderOf(Slot slot) => ReceiverFolder(slot.Receiver);

    public string PublisherFolder => Path.Combine(Folder, "publishers");

    /// <summary>Writes a receiver's configuration, which it takes up by itself.</summary>
    public async Task ConfigureAsync(int receiver)
    {
        await _configurations[receiver].WaitAsync();
        try
        {
            var sources = Slots.Where(slot => slot.Receiver == receiver).ToDictionary(slot => slot.Source, slot => new
            {
                Secrets = slot.Secrets.Take(4).Select(secret => new { Value = secret.Reveal() }),
                Endpoint = slot.Id?.Value,
                FeedBaseAddress = _feeds[receiver % _feeds.Length],
                GapGrace = "00:00:01", HeadProbeInterval = "00:00:05", PausedProbeInterval = "00:00:01", FeedTimeout = "00:00:05",
                FeedRetryMin = "00:00:00.200", FeedRetryMax = "00:00:02", HandlerRetryMin = "00:00:00.100", HandlerRetryMax = "00:00:01", HandlerMaxAttempts = 1000,
            });
            var path = ReceiverApp.ConfigurationPath(ReceiverFolder(receiver));
            // Whole or not at all: a receiver that reloads must never see half a file.
            await File.WriteAllBytesAsync(path + ".new", JsonSerializer.SerializeToUtf8Bytes(sources, Indented));
            File.Move(path + ".new", path, overwrite: true);
        }
        finally
        {
            _configurations[receiver].Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var actor in Actors.Values.SelectMany(actors => actors)) actor.Dispose();
        if (_operator is not null) await _operator.DisposeAsync();
        await Data.DisposeAsync();
        await Postgres.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task SetUpAsync(CancellationToken cancel)
    {
        var settings = Plan.Settings;
        var common = new RoleSettings { Database = Database, MasterKey = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)) };
        _operator = RoleHost.Platform(common, worker: false, console: false);
        await _operator.StartAsync(cancel);
        await using (var create = Data.CreateCommand(Business.Create)) await create.ExecuteNonQueryAsync(cancel);
        var applications = new List<WebhookApplicationId>();
        for (var i = 0; i < ChaosSettings.Applications; i++)
            applications.Add(await _operator.Services.GetRequiredService<IWebhookApplications>().CreateAsync($"customer {i}", cancel));

        string[] receivers = [.. Enumerable.Range(0, settings.Receivers).Select(_ => Address())];
        for (var i = 0; i < Plan.Slots; i++)
            Slots.Add(new Slot(i, settings.Receivers, applications[i % applications.Count], new Uri(receivers[i % settings.Receivers])));
        Directory.CreateDirectory(PublisherFolder);
        for (var i = 0; i < settings.Receivers; i++)
        {
            Directory.CreateDirectory(ReceiverFolder(i));
            await ConfigureAsync(i);
        }

        Actors[Role.Dispatcher] = Make(Role.Dispatcher, settings.Dispatchers, i => common with { Url = _feeds[i] });
        Actors[Role.Receiver] = Make(Role.Receiver, settings.Receivers, i => common with
        {
            Url = receivers[i], Folder = ReceiverFolder(i), Sources = [.. Slots.Where(slot => slot.Receiver == i).Select(slot => slot.Source)],
        });
        Actors[Role.Publisher] = Make(Role.Publisher, settings.Publishers, i => common with
        {
            Folder = PublisherFolder, Applications = [.. applications.Select(application => application.Value)], Seed = settings.Seed + i,
            Rate = (double)ChaosSettings.Rate / settings.Publishers,
        });
    }

    private Actor[] Make(Role role, int many, Func<int, RoleSettings> settings) => [.. Enumerable.Range(0, many).Select(i =>
    {
        var path = Path.Combine(Folder, FormattableString.Invariant($"{role}-{i}.json"));
        settings(i).Write(path);
        return new Actor(Plan.Settings.Host.Program, role, i, Folder, path);
    })];

    // A process must come back at the address where it was; so it is chosen here, and not by the system at each start.
    private static string Address() => FormattableString.Invariant($"http://127.0.0.1:{FreePort.Next()}");
}
