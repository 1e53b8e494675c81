using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Trouble on the platform's own side: its processes, its clocks, its way out. What concerns its database is in <see cref="DatabaseDrills"/>.</summary>
internal static class PlatformDrills
{
    private const string Sleeper = "suspended dispatcher";

    // Processes take long to start on a machine that is busy.
    private static readonly TimeSpan Processes = TimeSpan.FromSeconds(120);

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("killed-between-post-and-settle", "What a killed dispatcher had sent and not settled is sent again")
        {
            Tags = ["platform", "kill"],
            Story = """
                A dispatcher process is killed outright while a request is with the customer. Nobody knows any more that it was answered. When a
                dispatcher runs again, the endpoint is taken over and the same event is sent once more, with the same id and number; the events behind
                it follow.
                """,
            Stub = Script.Of(Answer.Ok.After(30), Answer.Ok),
            Also = Can.UnderWay,
            Nodes = 1,
            Steps = [Publish(3), Until(See.AtLeastRequests(1)), KillNode(), StartNode(), Until(See.Delivered(3))],
            Expect = [See.Arrived(1, 1, 2, 3), See.NeverPaused],
            Tuning = new() { Timeout = 60, Lease = 2 },
            Budget = Processes,
            Bites = ["takeover"],
        },
        new("suspended-beyond-its-lease", "A dispatcher that wakes up after its lease is over changes nothing")
        {
            Tags = ["platform", "kill"],
            Story = """
                A dispatcher's machine stands still, as virtual machines do when they are moved, while a request is under way. Its lease runs out, another
                dispatcher takes the endpoint over and delivers everything. Then the first one wakes up, as if no time had passed, and finds the answer to
                its old request: 410. It must not pause an endpoint that is no longer its own. It joins again, and works on beside the other.
                """,
            Stub = Script.Of(Answer.Of(410, "the answer to the sleeper").After(4), Answer.Ok),
            Also = Can.UnderWay,
            Nodes = 2,
            Steps =
            [
                Publish(3), Until(See.AtLeastRequests(1)), Do("suspend the dispatcher that has the endpoint (SIGSTOP)", SuspendWorkerAsync), Until(See.Delivered(3)),
                Do("let it go on (SIGCONT)", stage => ((Node)stage.Notes[Sleeper]).ContinueAsync()), UntilJoinedAgain(), Stay(2), Publish(20), Until(See.Delivered(23)),
            ],
            Expect =
            [
                See.NeverPaused, See.Active, See.Attempts(),
                See.That("event 1 came from each of them, and all that follow came", Look.Stub,
                    e => e.One.Seqs.Count(seq => seq == 1) >= 2 && IsOnce([.. e.One.Seqs.Distinct()], 23), e => See.List(e.One.Seqs)),
            ],
            Tuning = new() { Lease = 2, Timeout = 30 },
            Budget = Processes,
            Bites = ["lease-fence"],
        },
        new("two-dispatchers", "Two dispatchers share the endpoints, and neither sends what the other does")
        {
            Tags = ["platform"],
            Story = """
                Two dispatcher processes work on one database. Each endpoint is one process's at a time: every event is sent once, in order, as if there
                were only one. Then one is killed, and the other has all.
                """,
            Stub = Script.Of(Answer.Ok.After(0.005)),
            Endpoints = 6,
            Nodes = 2,
            Steps =
            [
                Publish(40), Until(See.Delivered(40)),
                Until(See.That("each endpoint got 1 to 40, once each", Look.Stub,
                    e => e.Endpoints.All(one => IsOnce(one.Seqs, 40)), e => string.Join("; ", e.Endpoints.Select(one => See.List(one.Seqs))))),
                KillNode(), Publish(10), Until(See.Delivered(50)),
            ],
            Expect = [See.Delivered(50), See.NeverPaused, See.Active],
            Tuning = new() { Lease = 5 },
            Budget = Processes,
            Bites = ["takeover"],
        },
        new("clock-ten-minutes-off", "A dispatcher whose clock is wrong signs the right time, and says that it is wrong")
        {
            Tags = ["platform", "clock"],
            Story = """
                The clock of a dispatcher's machine is ten minutes fast. A receiver takes only timestamps within five minutes, so every delivery would be
                refused. The dispatcher goes by the database's clock instead: all is accepted, waits are as long as they should be, and its health says
                by how much the machine is off.
                """,
            Stub = Script.Of(Answer.FromReceiver, Answer.Of(500), Answer.FromReceiver),
            Receiver = new ReceiverPlan(),
            Services = services => services.AddSingleton<TimeProvider>(new WrongClock(TimeSpan.FromMinutes(10))),
            Steps = [Publish(5), Until(See.Processed(5)), Until(See.Delivered(5)), UntilHealth(HealthStatus.Degraded, "clock")],
            Expect =
            [
                See.Arrived(1, 2, 2, 3, 4, 5), See.Processed(5), See.Attempts("http_error"),
                See.That("each request bears a time within a minute of the stub's", Look.Stub,
                    e => e.One.Requests.All(one => Off(one) < TimeSpan.FromMinutes(1)), e => $"one is {e.One.Requests.Max(Off)} off"),
            ],
            Bites = ["database-clock"],
        },
        new("own-egress-cut", "When a dispatcher's own network is cut, none of 200 endpoints is paused for it")
        {
            Tags = ["platform", "network"],
            Story = """
                A dispatcher's machine cannot reach anybody any more. All 200 endpoints fail at once, again and again; paused for it, each would have to be
                looked at and resumed by somebody tomorrow. When most endpoints fail together, the dispatcher suspects itself: nothing is counted, an
                operational event and its health say so, and when the network is back, everything is delivered.
                """,
            Endpoints = 200,
            Endpoint = settings => settings with { Url = new UriBuilder(settings.Url) { Host = "customer.example" }.Uri.ToString() },
            Services = CutNetwork.AddTo,
            Steps =
            [
                Publish(1), UntilSql("each endpoint was tried three times and more",
                    "SELECT count(*) >= 200 FROM (SELECT endpoint FROM webhooks.attempt GROUP BY endpoint HAVING count(*) >= 3) tried"),
                UntilSql("the dispatcher has said that it suspects its own network", "SELECT count(*) > 0 FROM webhooks.operational_event WHERE type = 'node.egress_suspect'"),
                UntilHealth(HealthStatus.Degraded, "network"), Do("see that no endpoint is paused", NonePausedAsync),
                Do("the network is back", stage => Task.FromResult(stage.Platform.Services.GetRequiredService<CutNetwork>().IsCut = false)),
                UntilSql("all is delivered", "SELECT count(DISTINCT endpoint) = 200 FROM webhooks.settlement WHERE outcome = 'delivered'"),
                UntilHealth(HealthStatus.Healthy, null),
            ],
            Expect =
            [
                See.NeverPaused, See.Active, See.Delivered(1), See.Failures(0),
                See.That("the dispatcher told when it suspected its network, and when no more", Look.Platform,
                    e => e.Changes.Select(change => change.Type).SequenceEqual(["node.egress_suspect", "node.egress_recovered"]),
                    e => string.Join(", ", e.Changes.Select(change => change.Type))),
            ],
            // Twenty endpoints must have been tried before one of them has failed often enough to be paused: with shorter waits a busy machine is not that fast.
            Tuning = new() { Waits = [4, 4], ConfirmAfter = 4, More = new Dictionary<string, string> { ["Egress:LongestWait"] = "00:00:00.300" } },
            Budget = TimeSpan.FromSeconds(180),
            Bites = ["egress-suspect"],
        },
    ];

    /// <summary>Waits until the dispatcher in this process says so of itself.</summary>
    public static Step UntilHealth(HealthStatus status, string? says) =>
        UntilNull($"the dispatcher's health is {status.ToString().ToLowerInvariant()}{(says is null ? "" : $": \"{says}\"")}", async stage =>
        {
            var report = await stage.Platform.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(stage.Cancel);
            var entry = report.Entries.Values.Single();
            var isSo = entry.Status == status && (says is null || entry.Description?.Contains(says, StringComparison.Ordinal) == true);
            return isSo ? null : $"it is {entry.Status}: {entry.Description}";
        });

    /// <summary>Waits until a query gives true: for what is too much to be looked at row by row.</summary>
    private static Step UntilSql(string words, string sql) => UntilNull(words, async stage =>
    {
        await using var command = stage.Data.CreateCommand(sql);
        return await command.ExecuteScalarAsync(CancellationToken.None) is true ? null : "not yet";
    });

    private static async Task NonePausedAsync(Stage stage)
    {
        await using var command = stage.Data.CreateCommand("""
            SELECT string_agg(id || ' as ' || pause_reason || ' (' || coalesce(pause_evidence, '') || ')', '; ')
            FROM (
                SELECT e.id, s.pause_reason, s.pause_evidence FROM webhooks.delivery_state s JOIN webhooks.endpoint e USING (endpoint)
                WHERE s.status = 'paused' ORDER BY e.endpoint LIMIT 3) paused
            """);
        if (await command.ExecuteScalarAsync(stage.Cancel) is string paused) throw new DrillFailedException("no endpoint is paused", $"some are: {paused}");
    }

    private static bool IsOnce(IReadOnlyList<long> seqs, int count) => seqs.SequenceEqual(Enumerable.Range(1, count).Select(seq => (long)seq));

    private static TimeSpan Off(StubRequest one)
    {
        var signed = long.Parse(one.Request.Headers["webhook-timestamp"][0], CultureInfo.InvariantCulture);
        return (DateTimeOffset.FromUnixTimeSeconds(signed) - one.Request.ArrivedAt).Duration();
    }

    private static async Task SuspendWorkerAsync(Stage stage)
    {
        await using var command = stage.Data.CreateCommand("SELECT n.name FROM webhooks.node n JOIN webhooks.delivery_state s ON s.lease_owner = n.node");
        var name = (string)(await command.ExecuteScalarAsync(stage.Cancel))!;
        var node = stage.Nodes.Single(one => name.EndsWith($":{one.ProcessId}", StringComparison.Ordinal));
        stage.Notes[Sleeper] = node;
        await node.SuspendAsync();
    }

    private static Step UntilJoinedAgain() => UntilNull("it has joined again", async stage =>
    {
        await using var command = stage.Data.CreateCommand("SELECT count(*) FROM webhooks.node WHERE name LIKE '%:' || $1 AND expires_at > clock_timestamp()");
        command.Parameters.Add(new NpgsqlParameter { Value = ((Node)stage.Notes[Sleeper]).ProcessId.ToString(CultureInfo.InvariantCulture) });
        return (long)(await command.ExecuteScalarAsync(CancellationToken.None))! == 1 ? null : "it is not among the nodes";
    });
}
