using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Webhooks.Receiver.Tests;

/// <summary>One node of a course: everything of it but its loops, for the course says when a turn is.</summary>
internal sealed class CourseNode : IDisposable
{
    private readonly ReceiverSource _source;
    private readonly Pump _pump;
    private readonly Backfill _backfill;
    private readonly string _effects;
    private IInboxLead? _lead;
    private TaskCompletionSource? _hung;
    private TaskCompletionSource? _gate;
    private NpgsqlConnection? _hungIn;
    private Task? _turn;
    private bool _hangs;
    private int _calls;

    public CourseNode(CourseLane lane, string source, CourseTime time)
    {
        _effects = lane.Effects;
        Inbox = new PostgreSqlInbox(new InboxDatabase(new PostgreSqlInboxOptions { Schema = lane.Schema }, lane.Data), time, NullLoggerFactory.Instance);
        var registration = new SourceRegistration(source);
        registration.Handlers.Add("order.changed", HandleAsync);
        _source = new ReceiverSource(registration, lane.Settings, Inbox, time);
        _pump = new Pump(_source, lane.Scopes, lane.Metrics, new Random(1), NullLogger<Pump>.Instance);
        _backfill = new Backfill(_source, new FeedClient(() => lane.Http, time), lane.Metrics, new Random(1), NullLogger<Backfill>.Instance);
    }

    public PostgreSqlInbox Inbox { get; }

    public bool IsHung => _turn is not null;

    /// <summary>The call of the handler in which the node hangs.</summary>
    public string HungCall { get; private set; } = "";

    public long? LeaseEpoch => Inbox.Leads.EpochOf(_source.Name);

    public bool Fails { get; set; }

    private CancellationToken Leading => _lead!.Lost;

    public Task DeliverAsync(InboxEvent one) => Inbox.StoreAsync(_source.Name, [one], new StoreRules(1000), default);

    public async Task LeadAsync()
    {
        if (_lead is { Lost.IsCancellationRequested: false }) return;
        // The source's rows are there after the first look.
        await Inbox.GetStateAsync(_source.Name, default);
        _lead = await Inbox.Leads.TryLeadAsync(_source.Name, default);
    }

    public Task RenewAsync() => Inbox.Leads.RenewOnceAsync(default);

    public async Task StopAsync()
    {
        if (_lead is not null) await _lead.DisposeAsync();
        _lead = null;
    }

    public Task PumpAsync() => WhileLeadingAsync(token => _pump.RunOnceAsync(token));

    /// <summary>Has the next look at the feed not wait for the interval.</summary>
    public void Probe() => _source.ProbeAsked = true;

    public Task BackfillAsync() => WhileLeadingAsync(token => _backfill.RunOnceAsync(token));

    public async Task HangAsync()
    {
        (_hangs, _hung, _gate) = (true, new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));
        var turn = PumpAsync();
        await Task.WhenAny(turn, _hung.Task).WaitAsync(Wait.Limit);
        _hangs = false;
        if (_hung.Task.IsCompleted) _turn = turn;
        else await turn;
    }

    public async Task WakeAsync()
    {
        _gate!.TrySetResult();
        await _turn!.WaitAsync(Wait.Limit);
        _turn = null;
    }

    /// <summary>What the system does when a process is gone: its connections are closed, and nothing more of it happens.</summary>
    public async Task CrashAsync()
    {
        if (_turn is not null) await _hungIn!.CloseAsync();
    }

    /// <summary>Ends what is left of it; the source's settings are the lane's.</summary>
    public void Dispose() => Inbox.Dispose();

    private async Task WhileLeadingAsync(Func<CancellationToken, Task> turn)
    {
        if (_lead is null || Leading.IsCancellationRequested) return;
        try
        {
            await turn(Leading);
        }
        // The loops survive both: what was done is rolled back, and the next turn looks again.
        catch (Exception e) when (e is InboxUnavailableException || (e is OperationCanceledException && Leading.IsCancellationRequested))
        {
        }
    }

    private async Task HandleAsync(WebhookEvent one, WebhookHandlerContext context, CancellationToken cancellationToken)
    {
        var call = $"{Inbox.GetHashCode()}:{_calls++}";
        var transaction = (NpgsqlTransaction)context.Transaction;
        await using (var command = new NpgsqlCommand($"INSERT INTO {_effects} (source, seq, event_id, call) VALUES ($1, $2, $3, $4)", transaction.Connection, transaction))
        {
            foreach (var value in new object[] { one.Source, one.Seq!.Value, one.Id, call }) command.Parameters.Add(new() { Value = value });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        if (_hangs)
        {
            (_hangs, _hungIn, HungCall) = (false, transaction.Connection, call);
            _hung!.SetResult();
            // A suspended process does not see that it is told to stop.
            await _gate!.Task;
        }

        if (!Fails) return;
        Fails = false;
        throw new InvalidOperationException("fails as the course says");
    }
}

/// <summary>What the courses that run one after the other share.</summary>
internal sealed class CourseLane : IAsyncDisposable
{
    private static int _sources;

    private readonly ServiceProvider _services;

    private CourseLane(NpgsqlDataSource data, FeedServer feed, string schema)
    {
        (Data, Feed, Schema) = (data, feed, schema);
        var services = new ServiceCollection();
        services.AddWebhookReceiver("acme", options =>
        {
            options.Secrets.Add(TestApp.Secret.Reveal());
            (options.FeedBaseAddress, options.Endpoint) = (feed.Address, Sent.Endpoint);
            options.HandlerMaxAttempts = 1000;
        }).UseMemoryInbox();
        _services = services.BuildServiceProvider();
        Settings = _services.GetRequiredService<ReceiverRegistry>().Get("acme").Settings;
    }

    public ReceiverSettings Settings { get; }

    public IServiceScopeFactory Scopes => _services.GetRequiredService<IServiceScopeFactory>();

    public ReceiverMetrics Metrics => _services.GetRequiredService<ReceiverMetrics>();

    public NpgsqlDataSource Data { get; }

    public FeedServer Feed { get; }

    public string Schema { get; }

    public HttpClient Http { get; } = new();

    public string Effects => $"effect_{Schema}";

    public static string NewSource() => $"source_{Interlocked.Increment(ref _sources)}";

    public static async Task<CourseLane> OpenAsync()
    {
        var schema = TestDatabase.NewSchema();
        var data = NpgsqlDataSource.Create($"{await TestDatabase.ConnectionStringAsync()};Max Auto Prepare=60;Auto Prepare Min Usages=2;Maximum Pool Size=20");
        await TestDatabase.RunAsync(
            $"""
             CREATE TABLE effect_{schema} (entry bigserial PRIMARY KEY, source text NOT NULL, seq bigint NOT NULL, event_id text NOT NULL, call text NOT NULL);
             CREATE INDEX ON effect_{schema} (source);
             """);
        await using (var first = await TestDatabase.OpenAsync(schema)) await first.ReadyAsync(default);
        return new CourseLane(data, await FeedServer.StartAsync(), schema);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _services.DisposeAsync();
        await Feed.DisposeAsync();
        await Data.DisposeAsync();
    }
}
