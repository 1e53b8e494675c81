using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Applications;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Diagnostics;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Retention;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Tests.Delivery.StreamModel;

/// <summary>An endpoint for one course of operations.</summary>
internal sealed record Subject(long Key, WebhookEndpointId Id, bool IsRelaxed, string Type);

/// <summary>A process that delivers, as the database knows it: its classes, without its loops.</summary>
internal sealed class ModelNode(LeaseStore leases, Settler settler, DeferredStore deferred, Guid id)
{
    public Guid Id => id;
    public LeaseStore Leases => leases;
    public Settler Settler => settler;
    public DeferredStore Deferred => deferred;
    public bool IsLive { get; set; } = true;

    public async ValueTask DisposeAsync()
    {
        await settler.DisposeAsync();
        await leases.DisposeAsync();
    }
}

/// <summary>A database in which one course after the other runs, each on an endpoint of its own; no other endpoint is ever due.</summary>
internal sealed class ModelLane : IAsyncDisposable
{
    public const int HeadAtFirst = 6;
    public const int MaxInFlight = 4;
    private const int SubjectsAtATime = 125;

    private readonly Queue<Subject> _subjects = new();
    private readonly WaitingIsSeen _time = new();
    private readonly StreamControl _control;
    private WebhookApplicationId _application;
    private int _made;

    private ModelLane(Platform platform)
    {
        Platform = platform;
        _control = new StreamControl(
            Database, platform.Get<Pumps>(), platform.Get<Wake>(), platform.Get<Floors>(), platform.Get<EndpointTallies>(), _time, platform.Get<DispatcherMetrics>());
    }

    public Platform Platform { get; }

    public WebhookDatabase Database => Platform.Get<WebhookDatabase>();

    public static async Task<ModelLane> OpenAsync()
    {
        var lane = new ModelLane(await Platform.StartAsync(
            options =>
            {
                options.Delivery.LeaseDuration = TimeSpan.FromHours(1);
                options.Delivery.SettleInterval = TimeSpan.Zero;
                options.Delivery.Waits.Clear();
                options.Delivery.Waits.Add(TimeSpan.FromDays(1));
                options.Delivery.Waits.Add(TimeSpan.FromDays(2));
            },
            worker: false));
        lane._application = await lane.Platform.Applications.CreateAsync("customer");
        return lane;
    }

    /// <summary>An endpoint that has just been found to have events.</summary>
    public async Task<Subject> NextAsync()
    {
        if (_subjects.Count == 0) await MakeSubjectsAsync();
        var subject = _subjects.Dequeue();
        await Platform.ExecuteAsync($"UPDATE webhooks.delivery_state SET due_at = now() WHERE endpoint = {subject.Key}");
        return subject;
    }

    public async Task RetireAsync(Subject subject) => await Platform.ExecuteAsync(
        $"""
        UPDATE webhooks.delivery_state SET due_at = NULL, lease_owner = NULL WHERE endpoint = {subject.Key};
        DELETE FROM webhooks.node
        """);

    public async Task<ModelNode> JoinAsync()
    {
        var node = new NodeLease(TimeProvider.System, Platform.Get<IOptions<WebhookDispatcherOptions>>());
        var leases = new LeaseStore(Database, Platform.Get<KeyRing>(), node, TimeProvider.System, NullLogger<LeaseStore>.Instance);
        var settler = new Settler(
            Database, leases, Platform.Get<IOptions<WebhookDispatcherOptions>>(), TimeProvider.System, Platform.Get<DispatcherMetrics>(), Platform.Get<EndpointTallies>());
        await Platform.Get<NodeStore>().JoinAsync(node.Id, default);
        return new ModelNode(leases, settler, new DeferredStore(Database, leases), node.Id);
    }

    public async Task GrowAsync(string type, int events)
    {
        for (var i = 0; i < events; i++) await Platform.PublishAsync(_application, type: type);
        // After a raised epoch the first batch only takes note of that.
        for (var numbered = 0; numbered < events;) numbered += (await Platform.Get<Sequencer>().RunOnceAsync(WebhookApplications.Bucket(_application), default)).Events;
    }

    public StreamControl Control => _control;

    /// <summary>Whether the pause had to wait for whoever has the endpoint leased; then it waits no longer.</summary>
    public async Task<bool> PauseAsync(WebhookEndpointId id)
    {
        using var waiting = new CancellationTokenSource();
        _time.OnWait = waiting.Cancel;
        try
        {
            await _control.PauseAsync(id, waiting.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>Where the stream stands, read in one statement.</summary>
    public async Task<StreamModel> ReadAsync(Subject subject)
    {
        await using var command = Platform.Data.CreateCommand(Read);
        command.Parameters.AddWithValue(subject.Key);
        await using var row = await command.ExecuteReaderAsync();
        Assert.True(await row.ReadAsync());
        var deferred = new SortedDictionary<long, Beside>();
        var (seqs, attempts, replays, dues) = (
            row.GetFieldValue<long[]>(17), row.GetFieldValue<int[]>(18), row.GetFieldValue<bool[]>(19), row.GetFieldValue<bool[]>(20));
        for (var i = 0; i < seqs.Length; i++) deferred.Add(seqs[i], new Beside(attempts[i], replays[i], dues[i]));
        return new StreamModel
        {
            Status = row.GetString(0),
            Reason = row.IsDBNull(1) ? null : row.GetString(1),
            Version = row.GetInt64(2),
            LeaseEpoch = row.GetInt64(3),
            Holder = row.IsDBNull(4) ? null : row.GetGuid(4),
            Due = row.IsDBNull(5) ? Due.None : row.GetBoolean(5) ? Due.Now : Due.Later,
            IsResting = row.GetBoolean(6),
            Failures = row.GetInt32(7),
            Attempts = row.GetInt32(8),
            FeedServed = row.GetInt64(9),
            ReceiverMustWait = row.GetBoolean(10),
            Floor = row.GetInt64(11),
            Epoch = row.GetInt32(12),
            Head = row.GetInt64(13),
            Cursor = row.GetInt64(14),
            Ahead = [.. row.GetFieldValue<long[]>(15)],
            Log = row.GetString(16),
            Deferred = deferred,
        };
    }

    public async ValueTask DisposeAsync() => await Platform.DisposeAsync();

    private async Task MakeSubjectsAsync()
    {
        var all = $"all.{_made}";
        for (var i = 0; i < SubjectsAtATime; i++)
        {
            var (type, isRelaxed) = ($"only.{_made++}", i % 2 == 0);
            var endpoint = await Platform.Endpoints.CreateAsync(_application, new EndpointSettings("http://127.0.0.1:9/")
            {
                EventTypes = [all, type],
                Ordering = isRelaxed ? EndpointOrdering.Relaxed : EndpointOrdering.Strict,
                MaxInFlight = MaxInFlight,
            });
            var key = await Platform.ScalarAsync<long>($"SELECT endpoint FROM webhooks.endpoint WHERE id = '{endpoint.Id}'");
            _subjects.Enqueue(new Subject(key, endpoint.Id, isRelaxed, type));
        }

        await GrowAsync(all, HeadAtFirst);
        await Platform.ExecuteAsync("UPDATE webhooks.delivery_state SET due_at = NULL");
    }

    private const string Read =
        """
        SELECT s.status, s.pause_reason, s.version, s.lease_epoch, s.lease_owner, s.due_at <= clock_timestamp(), s.resting, s.consecutive_failures, s.attempts, s.feed_served,
               coalesce(s.receiver_resume_from > clock_timestamp(), false), t.floor, t.epoch,
               (SELECT max(d.seq) FROM webhooks.delivery d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint),
               greatest(t.floor - 1, coalesce((SELECT x.cursor FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint ORDER BY x.settlement DESC LIMIT 1), 0)),
               coalesce((SELECT x.ahead FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint ORDER BY x.settlement DESC LIMIT 1), '{}'),
               coalesce((SELECT string_agg(format(' %s-%s %s@%s', x.first_seq, x.last_seq, x.outcome, x.cursor), '' ORDER BY x.settlement)
                         FROM webhooks.settlement x WHERE x.bucket = s.bucket AND x.endpoint = s.endpoint), ''),
               b.*
        FROM webhooks.delivery_state s JOIN webhooks.stream t ON t.endpoint = s.endpoint
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.seq ORDER BY d.seq), '{}'), coalesce(array_agg(d.attempts ORDER BY d.seq), '{}'),
                   coalesce(array_agg(d.replay ORDER BY d.seq), '{}'), coalesce(array_agg(d.due_at <= clock_timestamp() ORDER BY d.seq), '{}')
            FROM webhooks.deferred d WHERE d.bucket = s.bucket AND d.endpoint = s.endpoint) b
        WHERE s.endpoint = $1
        """;

    /// <summary>The system's clock, which tells that somebody begins to wait.</summary>
    private sealed class WaitingIsSeen : TimeProvider
    {
        public Action? OnWait { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            OnWait?.Invoke();
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
