using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Receiver;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Quickstart;

/// <summary>The main job, told and shown: two sides on real HTTP, a real PostgreSQL, and everything that goes wrong in between.</summary>
internal sealed class Demo : IAsyncDisposable
{
    // Each of the five parts needs a few events to show what it is about.
    private const int FewestEvents = 25;
    private static readonly string[] Instruments = ["webhooks.receiver.gaps.closed"];

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly MeterListener _meters = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-quickstart-").FullName;
    private PrivatePostgres? _postgres;
    private NpgsqlDataSource? _data;
    private WebApplication? _platform;
    private WebApplication? _receiver;
    private FaultyProxy? _proxy;
    private Shop? _shop;
    private CreatedEndpoint? _endpoint;
    private TimeSpan _patience;
    private long _gapsClosed;
    private int _rotations;

    private IWebhookEndpoints Endpoints => _platform!.Services.GetRequiredService<IWebhookEndpoints>();

    // Interrupted, the process ends without disposing of anything; the folder holds a secret.
    public Demo() => AppDomain.CurrentDomain.ProcessExit += (_, _) => DeleteFolder();

    /// <param name="file">The events to publish; null for made-up orders.</param>
    /// <param name="count">How many orders are made up.</param>
    /// <param name="received">Where what the customer was given is written; null for nowhere.</param>
    public async Task<Ledger> RunAsync(string? file, int count, string? received)
    {
        Narrator.Title("Setting up");
        _postgres = await PrivatePostgres.StartAsync();
        var connectionString = await _postgres.CreateDatabaseAsync("quickstart");
        _data = NpgsqlDataSource.Create(connectionString);
        Narrator.Say($"PostgreSQL {_postgres.Version} on port {_postgres.Port}, private to this run");
        _platform = await PlatformHost.StartAsync(connectionString, "http://127.0.0.1:0", TimeSpan.FromSeconds(5));
        var publisher = _platform.Services.GetRequiredService<IWebhookPublisher>();
        var lines = file is null ? EventFile.Generate(count) : EventFile.Read(file, publisher);
        if (lines.Count < FewestEvents)
        {
            var given = lines.Count;
            lines = [.. Enumerable.Range(0, FewestEvents).Select(i => lines[i % given])];
            Narrator.Say($"{given} events are too few for all six parts: they are published again until there are {FewestEvents}");
        }

        _patience = TimeSpan.FromSeconds(120) + TimeSpan.FromMilliseconds(5) * lines.Count;
        await SetUpAsync(publisher);
        var parts = Split(lines);
        await SteadyAsync(parts[0]);
        await RotateAsync(parts[1]);
        await OutageAsync(parts[2]);
        await GoneAsync(parts[3]);
        await LostAsync(parts[4]);
        var ledger = await CloseAsync();
        if (received is not null) ReceiverHost.WriteReceived(_folder, received);
        return ledger;
    }

    public async ValueTask DisposeAsync()
    {
        _meters.Dispose();
        if (_platform is not null) await _platform.DisposeAsync();
        if (_receiver is not null) await _receiver.DisposeAsync();
        if (_proxy is not null) await _proxy.DisposeAsync();
        if (_data is not null) await _data.DisposeAsync();
        if (_postgres is not null) await _postgres.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        DeleteFolder();
    }

    private void DeleteFolder()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private async Task SetUpAsync(IWebhookPublisher publisher)
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (Instruments.Contains(instrument.Name)) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _gapsClosed, value));
        _meters.Start();

        var application = await _platform!.Services.GetRequiredService<IWebhookApplications>().CreateAsync("A customer");
        _shop = new Shop(_data!, publisher, application);
        await _shop.CreateTablesAsync();
        // The receiver must come back at the address where it was; so it is chosen here, and not by the system at each start.
        var receiverUrl = new Uri($"http://127.0.0.1:{FreePort.Next()}/");
        _proxy = await FaultyProxy.StartAsync(new Uri(receiverUrl, "hooks"));
        _endpoint = await Endpoints.CreateAsync(application, new EndpointSettings(_proxy.Url.ToString()));
        await WriteSecretsAsync(_endpoint.Secret);
        _receiver = await ReceiverHost.StartAsync(_folder, receiverUrl.ToString());
        Narrator.Say($"platform with dispatcher and feed on {_platform.Urls.First()}");
        Narrator.Say($"customer's receiver on {receiverUrl} with a SQLite inbox, behind a proxy on {_proxy.Url}");
        Narrator.Say($"endpoint {_endpoint.Id}, {_endpoint.Secret}");
    }

    private async Task SteadyAsync(List<EventLine> lines)
    {
        Narrator.Title("1  Publishing in business transactions, steady delivery");
        Narrator.Say($"{lines.Count} orders, each with its event in one transaction; one more in ten is rolled back");
        await _shop!.PublishAsync(lines);
        await ProcessedAsync();
    }

    private async Task RotateAsync(List<EventLine> lines)
    {
        Narrator.Title("2  Rotating the secret while events flow");
        var half = lines.Count / 2;
        var publishing = _shop!.PublishAsync(lines[..half]);
        var renewed = await Endpoints.RotateSecretAsync(_endpoint!.Id, TimeSpan.FromHours(1));
        _rotations++;
        Narrator.Say($"platform: new secret {renewed}; for an hour both sign");
        await publishing;
        // One that was signed before may still be under way, and the receiver is about to know the new secret only.
        var next = half;
        while (next < lines.Count - 1 && _proxy!.SignedByTwo == 0)
        {
            await _shop.PublishAsync(lines[next..++next]);
            await DeliveredAsync();
        }

        var last = next + ((lines.Count - next) / 2);
        publishing = _shop.PublishAsync(lines[next..last]);
        await WriteSecretsAsync(renewed);
        var settings = _receiver!.Services.GetRequiredService<IOptionsMonitor<WebhookReceiverOptions>>();
        await Narrator.UntilAsync(
            "the receiver's new configuration", () => Task.FromResult(settings.Get(ReceiverHost.Source).Secrets.Single().Value),
            value => value == renewed.Reveal(), _patience);
        Narrator.Say("receiver: its configuration file holds only the new one now; it took that up without a restart");
        await publishing;
        await Endpoints.RevokeSecretAsync(_endpoint.Id, _endpoint.Secret.Fingerprint);
        Narrator.Say("platform: the old one is revoked");
        _endpoint = _endpoint with { Secret = renewed };
        await _shop.PublishAsync(lines[last..]);
        await ProcessedAsync();
        Narrator.Say($"requests rejected: {Rejected()}{string.Concat(_proxy!.Answers.Where(IsRejection).Select(answer => $", {answer.Value} with {answer.Key}"))}");
    }

    private async Task OutageAsync(List<EventLine> lines)
    {
        Narrator.Title("3  The receiver is down: three failures, pause, catching up, resuming by itself");
        var url = _receiver!.Urls.First();
        await _receiver.DisposeAsync();
        _receiver = null;
        await _shop!.PublishAsync(lines[..1]);
        var paused = await Narrator.UntilAsync(
            "the pause", () => Endpoints.GetStreamAsync(_endpoint!.Id), stream => stream.Status == EndpointStatus.Paused, _patience);
        Narrator.Say($"paused ({paused.PauseReason?.ToString().ToLowerInvariant()}): {paused.PauseEvidence}");
        await _shop.PublishAsync(lines[1..]);
        var held = await Narrator.UntilAsync(
            "numbering while paused", () => Endpoints.GetStreamAsync(_endpoint!.Id), stream => stream.Head == _shop.Published.Count, _patience);
        Narrator.Say($"publishing went on: head {held.Head}, cursor {held.Cursor}, {held.Head - held.Cursor} held");
        _receiver = await ReceiverHost.StartAsync(_folder, url);
        Narrator.Say("the receiver is back: it reads what it missed from the feed, then asks for delivery");
        await ProcessedAsync();
        await Narrator.UntilAsync("the self-resume", () => Endpoints.GetStreamAsync(_endpoint!.Id), stream => stream.Status == EndpointStatus.Active, _patience);
        Narrator.Say("resumed by the receiver");
    }

    private async Task GoneAsync(List<EventLine> lines)
    {
        Narrator.Title("4  410 Gone: pause at once, an operator resumes");
        _proxy!.AnswerGone(true);
        await _shop!.PublishAsync(lines);
        var paused = await Narrator.UntilAsync(
            "the pause", () => Endpoints.GetStreamAsync(_endpoint!.Id), stream => stream.Status == EndpointStatus.Paused, _patience);
        Narrator.Say($"paused ({paused.PauseReason?.ToString().ToLowerInvariant()}): {paused.PauseEvidence}");
        _proxy.AnswerGone(false);
        await Endpoints.ResumeAsync(_endpoint!.Id);
        Narrator.Say("resumed by the operator, after the cursor");
        await ProcessedAsync();
    }

    private async Task LostAsync(List<EventLine> lines)
    {
        Narrator.Title("5  Accepted and lost on the way: a gap, and its backfill");
        var lost = Math.Max(1, lines.Count / 5);
        // What the receiver has from the feed may still be delivered, and is not what shall be lost.
        await DeliveredAsync();
        // While it believes the endpoint paused it reads the feed every second, and might have what is lost here before a number shows that it is missing.
        var status = _receiver!.Services.GetRequiredService<IWebhookReceiverStatus>();
        await Narrator.UntilAsync(
            "the receiver to know that the endpoint is active", async () => (await status.GetAsync(ReceiverHost.Source)).Streams is [{ PauseReason: null }],
            isActive => isActive, _patience);
        _proxy!.LoseNext(lost);
        await _shop!.PublishAsync(lines);
        Narrator.Say($"the proxy answered 204 to {lost} deliveries and dropped them; the numbers behind them show the gap");
        await ProcessedAsync();
        // The receiver counts a gap as closed at its next look, which may come after the last event was processed.
        var closed = await Narrator.UntilAsync("the gap to be closed", () => Task.FromResult(Interlocked.Read(ref _gapsClosed)), gaps => gaps > 0, _patience);
        Narrator.Say($"gaps closed: {closed}");
    }

    private async Task<Ledger> CloseAsync()
    {
        var stream = await DeliveredAsync();
        var counts = (await _receiver!.Services.GetRequiredService<IWebhookReceiverStatus>().GetAsync(ReceiverHost.Source)).Counts;
        return await LedgerReader.ReadAsync(_data!, _shop!, ReceiverHost.ReadEffects(_folder), stream, counts) with
        {
            LostOnTheWay = _proxy!.Lost,
            GapsClosed = Interlocked.Read(ref _gapsClosed),
            Rotations = _rotations,
            Rejected = Rejected(),
            Seconds = _clock.Elapsed.TotalSeconds,
        };
    }

    private Task ProcessedAsync()
    {
        var status = _receiver!.Services.GetRequiredService<IWebhookReceiverStatus>();
        return Narrator.CountAsync(
            "processed", _shop!.Published.Count, async () => (await status.GetAsync(ReceiverHost.Source)).Streams is [{ Watermark: { } watermark }] ? watermark : 0, _patience);
    }

    /// <summary>All that was published has been delivered, whether it was processed before or not.</summary>
    private Task<StreamStatus> DeliveredAsync() => Narrator.UntilAsync(
        "the cursor at the head", () => Endpoints.GetStreamAsync(_endpoint!.Id),
        stream => stream.Cursor == _shop!.Published.Count && stream.Status == EndpointStatus.Active, _patience);

    private Task WriteSecretsAsync(WebhookSecret secret) =>
        ReceiverHost.WriteSettingsAsync(_folder, new Uri(_platform!.Urls.First()), _endpoint!.Id.Value, secret.Reveal());

    /// <summary>Answers of the receiver that refused a request: all but 2xx.</summary>
    private int Rejected() => _proxy!.Answers.Where(IsRejection).Sum(answer => answer.Value);

    private static bool IsRejection(KeyValuePair<int, int> answer) => answer.Key is < 200 or > 299;

    /// <summary>Parts of two fifths, one, one, one tenth and one tenth, none of fewer than five.</summary>
    private static List<List<EventLine>> Split(List<EventLine> lines)
    {
        var spare = lines.Count - FewestEvents;
        int[] sizes = [0, 5 + (spare / 5), 5 + (spare / 5), 5 + (spare / 10), 5 + (spare / 10)];
        sizes[0] = lines.Count - sizes.Sum();
        var parts = new List<List<EventLine>>();
        var begin = 0;
        foreach (var size in sizes)
        {
            parts.Add(lines.GetRange(begin, size));
            begin += size;
        }

        return parts;
    }
}
