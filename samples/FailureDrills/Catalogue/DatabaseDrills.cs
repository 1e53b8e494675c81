using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>The platform's database: gone for a while, read-only, full, being migrated.</summary>
internal static class DatabaseDrills
{
    private const string Migration = "migration", Starting = "dispatcher that starts meanwhile", Publishing = "publishing meanwhile";

    // The fourth request is under way when the database goes, and its answer comes when nobody can write it down.
    private static readonly Script FourthIsSlow = Script.Of(Answer.Ok.Times(3), Answer.Ok.After(1.5), Answer.Ok);

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("database-restarted", "A database that crashes and comes back loses no event, and delivery goes on by itself")
        {
            Tags = ["platform", "database"],
            Story = """
                The database server is killed outright and started again, while a request is under way. Its answer comes when nobody can write it down. What
                had been published is there again; the dispatcher, which was never restarted, goes on, and what it does not know to be settled it sends again.
                """,
            OwnServer = true,
            Stub = FourthIsSlow,
            Steps =
            [
                Publish(3), Until(See.Delivered(3)), Publish(3), Until(See.AtLeastRequests(4)), Do("kill the database server", stage => stage.Server!.KillAsync(stage.Cancel)),
                Stay(2), Do("start it again", StartServerAsync), Until(See.Delivered(6)), PublishAnew(2), Until(See.Delivered(8)),
            ],
            Expect = [EachArrived(8), See.NeverPaused, See.Active],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["left-behind"],
        },
        new("database-read-only", "While the database takes no writes nothing is promised, and afterwards all goes on")
        {
            Tags = ["platform", "database"],
            Story = """
                The database is switched to read-only, as a failover or a full quota does, while a request is under way. Publishing fails, and the publisher
                is told. What was published before stays; the dispatcher lives on, and when writes are possible again, it goes on where it can be sure.
                """,
            Stub = FourthIsSlow,
            Steps =
            [
                Publish(3), Until(See.Delivered(3)), Publish(3), Until(See.AtLeastRequests(4)),
                Do("the database takes no writes any more", stage => SetReadOnlyAsync(stage, true)),
                PublishingFails("25006"), Stay(2), Do("it takes writes again", stage => SetReadOnlyAsync(stage, false)),
                Until(See.Delivered(6)), PublishAnew(2), Until(See.Delivered(8)),
            ],
            Expect = [EachArrived(8), See.NeverPaused, See.Active],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["left-behind"],
        },
        new("database-full", "A full disk under the database loses nothing that was published")
        {
            Tags = ["platform", "database"],
            Story = """
                The database's disk is full: every row that is to be added is refused with the server's own error for that (53100). Publishing fails, and the
                publisher is told; an answer that comes meanwhile cannot be written down. When there is room again, everything goes on by itself.
                """,
            Stub = FourthIsSlow,
            Steps =
            [
                Publish(3), Until(See.Delivered(3)), Publish(3), Until(See.AtLeastRequests(4)), Do("the disk is full", stage => ExecuteAsync(stage, Fill)),
                PublishingFails("53100"), Stay(2), Do("there is room again", stage => ExecuteAsync(stage, "DROP FUNCTION webhooks.no_room() CASCADE")), Until(See.Delivered(6)),
                PublishAnew(2), Until(See.Delivered(8)),
            ],
            Expect = [EachArrived(8), See.NeverPaused, See.Active],
            Budget = TimeSpan.FromSeconds(60),
            Bites = ["left-behind"],
        },
        new("migration-while-running", "A migration under running dispatchers holds them up and breaks nothing")
        {
            Tags = ["platform", "database"],
            Story = """
                A new version is rolled out: its first process migrates the database, and holds every table for longer than a lease lasts, while an older
                process delivers and events are being published. All wait. Another new process waits for the migration instead of beginning one of its own.
                When it is done, publishing, delivering and starting go on, with tables that have a column more.
                """,
            Stub = Script.Of(Answer.Ok.After(0.02)),
            Nodes = 1,
            Steps =
            [
                Publish(100), Until(See.AtLeastRequests(10)), Do("begin a migration that holds every table", BeginMigrationAsync),
                Do("publish ten events and start a dispatcher meanwhile", stage =>
                {
                    stage.Notes[Publishing] = stage.PublishAsync(10);
                    stage.Notes[Starting] = stage.StartAnotherAsync(stage.ConnectionString, worker: true);
                    return Task.CompletedTask;
                }),
                Stay(2.5), Do("see that both wait", BothWaitAsync), Do("commit the migration", CommitMigrationAsync),
                Do("publishing and starting have come to an end", BothEndAsync),
                Until(See.Delivered(110)), KillNode(), Publish(10), Until(See.Delivered(120)),
            ],
            Expect = [EachArrived(120), See.NeverPaused, See.Active, See.Attempts()],
            Tuning = new() { Lease = 2 },
            Budget = TimeSpan.FromSeconds(120),
        },
        new("started-by-three-at-once", "Three processes that start at once on an empty database migrate it once")
        {
            Tags = ["platform", "database"],
            Story = """
                A platform is deployed for the first time, as three processes that all start at the same moment on an empty database. One of them makes the
                schema, the others wait for it; all three come up, and deliver.
                """,
            Steps =
            [
                Publish(2), Until(See.Delivered(2)), Do("start three dispatchers at once on an empty database", StartThreeAsync),
            ],
            Expect = [See.Delivered(2)],
            Bites = ["migrated-by-one"],
        },
    ];

    private const string Fill = """
        CREATE FUNCTION webhooks.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        DO $$
        DECLARE name regclass;
        BEGIN
            FOR name IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'webhooks'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            LOOP EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION webhooks.no_room()', name); END LOOP;
        END $$;
        """;

    private const string Migrate = """
        DO $$
        DECLARE name regclass;
        BEGIN
            FOR name IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'webhooks'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            LOOP EXECUTE format('ALTER TABLE %s ADD COLUMN added_by_drill integer', name); END LOOP;
        END $$;
        """;

    private static Expectation EachArrived(int count) => See.That($"events 1 to {count} arrived, each at least once", Look.Stub,
        e => e.One.Seqs.Distinct().Order().SequenceEqual(Enumerable.Range(1, count).Select(seq => (long)seq)), e => See.List(e.One.Seqs));

    /// <summary>The first connection that is tried may be a dead one of before; the publisher is told that nothing was stored, and publishes again.</summary>
    private static Step PublishAnew(int count) => UntilNull($"{count} events are published", async stage =>
    {
        try
        {
            await stage.PublishAsync(count);
            return null;
        }
        catch (WebhookPublishException e)
        {
            return e.Message;
        }
    });

    private static Step PublishingFails(string state) => UntilNull($"publishing an event is refused (SQLSTATE {state})", async stage =>
    {
        try
        {
            await stage.Platform.Publisher.PublishAsync(EventToPublish.FromJson(stage.Target.Application, "order.placed", "{}"), stage.Cancel);
        }
        catch (WebhookPublishException e)
        {
            // The first to fail may be one whose connection has just ended.
            return e.InnerException is PostgresException inner && inner.SqlState == state ? null : $"it is refused otherwise: {e.InnerException?.Message}";
        }

        throw new DrillFailedException("publishing fails", "it succeeded");
    });

    private static async Task ExecuteAsync(Stage stage, string sql)
    {
        await using var connection = await OpenAsync(stage);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(stage.Cancel);
    }

    private static async Task<NpgsqlConnection> OpenAsync(Stage stage)
    {
        // Somebody must be able to end what is read-only by default.
        var writing = new NpgsqlConnectionStringBuilder(stage.ConnectionString) { Pooling = false, Options = "-c default_transaction_read_only=off" };
        var connection = new NpgsqlConnection(writing.ToString());
        await connection.OpenAsync(stage.Cancel);
        return connection;
    }

    private static async Task StartServerAsync(Stage stage)
    {
        await stage.Server!.StartAgainAsync(stage.Cancel);
        stage.Data.Clear();
    }

    private static async Task SetReadOnlyAsync(Stage stage, bool readOnly)
    {
        // Sessions that are there keep what they have; so they are ended, as a failover would.
        await ExecuteAsync(stage, $"""
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {(readOnly ? "on" : "off")}', current_database()); END $$;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
            """);
        stage.Data.Clear();
    }

    private static async Task BeginMigrationAsync(Stage stage)
    {
        var connection = stage.Own(await OpenAsync(stage));
        stage.Notes[Migration] = connection;
        // As the migrator does it: its lock first, then the files, all in one transaction.
        await using var command = new NpgsqlCommand($"BEGIN; SELECT pg_advisory_xact_lock(1464355633, hashtext('webhooks')); {Migrate}", connection);
        await command.ExecuteNonQueryAsync(stage.Cancel);
    }

    private static Task BothWaitAsync(Stage stage) => (Task)stage.Notes[Publishing] is { IsCompleted: false } && (Task)stage.Notes[Starting] is { IsCompleted: false }
        ? Task.CompletedTask
        : throw new DrillFailedException("publishing and starting wait for the migration", "one of them did not");

    private static async Task CommitMigrationAsync(Stage stage)
    {
        await using var command = new NpgsqlCommand("COMMIT", (NpgsqlConnection)stage.Notes[Migration]);
        await command.ExecuteNonQueryAsync(stage.Cancel);
    }

    private static async Task BothEndAsync(Stage stage)
    {
        await (Task)stage.Notes[Publishing];
        stage.Own(await (Task<Platform>)stage.Notes[Starting]);
    }

    private static async Task StartThreeAsync(Stage stage)
    {
        var name = $"{new NpgsqlConnectionStringBuilder(stage.ConnectionString).Database}_empty";
        await ExecuteAsync(stage, $"CREATE DATABASE {name}");
        var empty = new NpgsqlConnectionStringBuilder(stage.ConnectionString) { Database = name, Pooling = false }.ToString();
        var starts = Enumerable.Range(0, 3).Select(_ => Task.Run(() => stage.StartAnotherAsync(empty, worker: true))).ToList();
        try
        {
            await Task.WhenAll(starts);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new DrillFailedException("all three start", e.Message);
        }
        finally
        {
            foreach (var start in starts.Where(start => start.IsCompletedSuccessfully)) await (await start).DisposeAsync();
        }
    }
}
