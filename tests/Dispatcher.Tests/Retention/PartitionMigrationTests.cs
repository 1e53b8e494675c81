using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sequencing;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Retention;

public class PartitionMigrationTests
{
    [Fact]
    public async Task Migrate_DatabaseWithEventsOfTheFirstSchema_KeepsAllAndGoesOn()
    {
        var connectionString = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using (var data = NpgsqlDataSource.Create(connectionString))
        {
            await using var command = data.CreateCommand(
                "CREATE SCHEMA webhooks; CREATE TABLE webhooks.migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
                + "INSERT INTO webhooks.migration VALUES (1, 'Database/Migrations/0001_initial.sql');" + WebhookDatabase.Read("Database/Migrations/0001_initial.sql"));
            await command.ExecuteNonQueryAsync();
        }

        var application = WebhookApplicationId.New();
        var endpoint = WebhookEndpointId.New();
        await using (var data = NpgsqlDataSource.Create(connectionString))
        {
            await using var command = data.CreateCommand($$"""
                INSERT INTO webhooks.application (id, bucket, name) VALUES ('{{application}}', 3, 'old');
                INSERT INTO webhooks.endpoint (id, application, bucket, url, event_types) VALUES ('{{endpoint}}', 1, 3, 'http://127.0.0.1:9/', '{**}');
                INSERT INTO webhooks.stream (endpoint, bucket, application, event_types, matching) VALUES (1, 3, 1, '{**}', true);
                INSERT INTO webhooks.delivery_state (endpoint, bucket) VALUES (1, 3);
                INSERT INTO webhooks.event (bucket, position, application, id, type, data)
                SELECT 3, webhooks.next_position(3::smallint), 1, gen_random_uuid(), 'a', '1' FROM generate_series(1, 6);
                INSERT INTO webhooks.event_verdict (bucket, position, verdict) VALUES (3, 6, 'unmatched');
                INSERT INTO webhooks.delivery (endpoint, seq, position, bucket) SELECT 1, n, n, 3 FROM generate_series(1, 5) n;
                INSERT INTO webhooks.sequencer_batch (bucket, batch, mark) VALUES (3, 1, 6);
                INSERT INTO webhooks.settlement (bucket, endpoint, first_seq, last_seq, outcome, cursor) SELECT 3, 1, n, n, 'delivered', n FROM generate_series(1, 3) n;
                INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome) VALUES (3, 1, 4, 1, now(), 1, 'timed_out');
                """);
            await command.ExecuteNonQueryAsync();
        }

        await using var platform = await Platform.StartAsync(connectionString: connectionString, worker: false);
        var stream = await platform.Endpoints.GetStreamAsync(endpoint);
        Assert.Equal((5, 3, 1), (stream.Head, stream.Cursor, stream.Floor));
        Assert.Equal("6 1 5 3 1", await platform.ScalarAsync<string>("""
            SELECT concat_ws(' ', (SELECT count(*) FROM webhooks.event), (SELECT count(*) FROM webhooks.event_verdict), (SELECT count(*) FROM webhooks.delivery),
                (SELECT count(*) FROM webhooks.settlement), (SELECT count(*) FROM webhooks.attempt))
            """));

        await platform.PublishAsync(application);
        await platform.Get<Sequencer>().RunOnceAsync(3, default);
        await platform.Endpoints.ResumeAsync(endpoint, after: 6);
        stream = await platform.Endpoints.GetStreamAsync(endpoint);
        Assert.Equal((6, 6), (stream.Head, stream.Cursor));
        await platform.ExecuteAsync("INSERT INTO webhooks.attempt (bucket, endpoint, seq, number, started_at, duration_ms, outcome) VALUES (3, 1, 6, 1, now(), 1, 'timed_out')");
        Assert.Equal([1L, 2, 3, 4], await platform.ListAsync<long>("SELECT settlement FROM webhooks.settlement ORDER BY 1"));
        Assert.Equal([1L, 2], await platform.ListAsync<long>("SELECT attempt FROM webhooks.attempt ORDER BY 1"));
        var years = new Years(platform);
        await years.NextPeriodAsync();
        years.Now += Years.Keep;
        await years.DropAsync(1);
        Assert.Equal((6, 7), await platform.Endpoints.GetStreamAsync(endpoint) is var after ? (after.Cursor, after.Floor) : default);
    }
}
