using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Webhooks.Receiver;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>What the receiver did with an event: a row of the customer's own table, written in the handler's transaction.</summary>
internal sealed record Effect(string EventId, long Seq, DateTimeOffset At);

/// <summary>The customer's side: the real receiver package with a SQLite inbox, in this process, that can be stopped, restored and started again.</summary>
internal sealed class CustomerReceiver(ReceiverPlan plan, Stage stage, string folder) : IAsyncDisposable
{
    public const string Source = ReceiverApp.Source;

    private readonly int _port = FreePort.Next();
    private readonly ChangingSettings _secrets = new();
    private WebApplication? _app;

    /// <summary>Where it takes requests: the path is the one that the endpoint calls, as a proxy in between keeps it.</summary>
    public Uri Url => new(Listen, stage.Target.Stub.Url.AbsolutePath);

    public IWebhookReceiverStatus Status => _app!.Services.GetRequiredService<IWebhookReceiverStatus>();

    public IWebhookReceiverAdministration Administration => _app!.Services.GetRequiredService<IWebhookReceiverAdministration>();

    /// <summary>Its clock, which a step may move while it is stopped.</summary>
    public MovableClock Clock { get; } = new();

    public bool IsRunning => _app is not null;

    public string InboxPath => Place.InboxPath;

    public string BusinessPath => Place.BusinessPath;

    /// <summary>Where it is and what it belongs to, for a process that stands in for it.</summary>
    public ReceiverPlace Place =>
        new(Listen, stage.Target.Stub.Url.AbsolutePath, stage.Target.Id.Value, stage.Platform.Url, folder, stage.Scale, stage.Target.Secrets[0].Reveal());

    private Uri Listen => new UriBuilder(Uri.UriSchemeHttp, stage.Here.ToString(), _port).Uri;

    public async Task StartAsync(CancellationToken cancel)
    {
        _app = await ReceiverApp.StartAsync(
            Place, _secrets, Clock, plan.Options, line => stage.Log.Add("receiver", line), CallAsync(plan.BeforeEffect), CallAsync(plan.AfterEffect), cancel);
    }

    /// <summary>Ends it; its files stay.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        await _app.DisposeAsync();
        _app = null;
        SqliteConnection.ClearAllPools();
    }

    /// <summary>Copies its files, inbox and business data, as of now.</summary>
    public Task BackUpAsync(CancellationToken cancel) => StandStillAsync(() => Copy(folder, Backup), cancel);

    /// <summary>Puts the copies in the place of its files.</summary>
    public Task RestoreAsync(CancellationToken cancel) => StandStillAsync(
        () =>
        {
            foreach (var file in Files(folder)) File.Delete(file);
            Copy(Backup, folder);
        },
        cancel);

    /// <summary>Gives it other secrets, newest first; a running one takes them up by itself.</summary>
    public void Configure(params string[] secrets) =>
        _secrets.Set(Enumerable.Range(0, secrets.Length).ToDictionary(i => FormattableString.Invariant($"Secrets:{i}:Value"), i => (string?)secrets[i]));

    /// <summary>What its health check says.</summary>
    public Task<HealthReport> HealthAsync(CancellationToken cancel) => _app!.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(cancel);

    public List<Effect> ReadEffects()
    {
        using var connection = new SqliteConnection($"Data Source={BusinessPath}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT event_id, seq, at FROM effect ORDER BY number";
        using var reader = command.ExecuteReader();
        var effects = new List<Effect>();
        while (reader.Read()) effects.Add(new Effect(reader.GetString(0), reader.GetInt64(1), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(2))));
        return effects;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private string Backup => Path.Combine(folder, "backup");

    private static string[] Files(string of) => [.. Directory.GetFiles(of, "inbox.db*"), .. Directory.GetFiles(of, "business.db*")];

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Files(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }

    private async Task StandStillAsync(Action act, CancellationToken cancel)
    {
        await StopAsync();
        act();
        await StartAsync(cancel);
    }

    private Func<WebhookEvent, int, Task>? CallAsync(Func<Handling, Task>? planned) =>
        planned is null ? null : (received, attempt) => planned(new Handling(stage, received, attempt));
}

/// <summary>The clock of a machine, that can be put forward.</summary>
internal sealed class MovableClock : TimeProvider
{
    /// <summary>By how much it is ahead.</summary>
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}

/// <summary>Configuration that changes while the application runs.</summary>
internal sealed class ChangingSettings : ConfigurationProvider, IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public void Set(Dictionary<string, string?> settings)
    {
        Data = settings;
        OnReload();
    }
}
