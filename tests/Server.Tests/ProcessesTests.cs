using System.Globalization;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Server.Tests;

/// <summary>What holds across processes, and through their end.</summary>
public class ProcessesTests
{
    private const int PerMinute = 200;

    [Fact]
    public async Task RateLimit_TwoProcessesAskedInTurn_HoldsAcrossBothWithinFivePercent()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        using var one = await ServerUnderTest.StartAsync(database);
        using var two = await ServerUnderTest.StartAsync(database);
        // A run counts when all of it fell into one minute; the next one begins with a minute almost whole.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var key = await ServerUnderTest.CreateKeyAsync(database, "--requests-per-minute", PerMinute.ToString(CultureInfo.InvariantCulture));
            var (granted, reset, isOneMinute) = (0, int.MaxValue, true);
            for (var request = 0; request < PerMinute * 3 / 2; request++)
            {
                var answer = await (request % 2 == 0 ? one : two).AskAsync(key, "GET", "/v1/applications?limit=1");
                if (answer.Status == 200) granted++;
                else Assert.Equal(429, answer.Status);
                if (answer.Status == 429) Assert.InRange(int.Parse(answer.Headers["Retry-After"], CultureInfo.InvariantCulture), 1, 60);
                var left = int.Parse(answer.Headers["RateLimit-Reset"], CultureInfo.InvariantCulture);
                isOneMinute &= left <= reset;
                reset = left;
            }

            if (!isOneMinute) continue;
            Assert.InRange(granted, PerMinute * 95 / 100, PerMinute * 105 / 100);
            return;
        }

        Assert.Fail($"No run of {PerMinute * 3 / 2} requests fell into one minute.");
    }

    [Fact]
    public async Task DailyQuota_TwoProcessesAskedInTurn_HoldsAcrossBothWithinFivePercent()
    {
        const int Quota = 200;
        var database = await SharedPostgres.CreateDatabaseAsync();
        using var one = await ServerUnderTest.StartAsync(database);
        using var two = await ServerUnderTest.StartAsync(database);
        var key = await ServerUnderTest.CreateKeyAsync(database, "--requests-per-minute", "1000000");
        var application = (await one.AskAsync(key, "POST", "/v1/applications", $$"""{"name":"Acme","daily_quota":{{Quota}}}""")).Id;
        var accepted = 0;
        for (var request = 0; request < Quota * 3 / 2; request++)
        {
            var answer = await (request % 2 == 0 ? one : two).AskAsync(key, "POST", $"/v1/applications/{application}/events", """{"type":"a.b","data":{}}""");
            if (answer.Status == 202) accepted++;
            else Assert.Equal("quota_exceeded", answer.Json["error"]!["code"]!.GetValue<string>());
        }

        Assert.InRange(accepted, Quota * 95 / 100, Quota * 105 / 100);
    }

    [Fact]
    public async Task Sigterm_WhileRequestsAreUnderWay_AnswersThemAll()
    {
        const int Requests = 20;
        var database = await SharedPostgres.CreateDatabaseAsync();
        using var server = await ServerUnderTest.StartAsync(database);
        var key = await ServerUnderTest.CreateKeyAsync(database);
        await using var data = NpgsqlDataSource.Create(database);
        Task<Answer>[] asked;
        await using (var connection = await data.OpenConnectionAsync())
        await using (var holding = await connection.BeginTransactionAsync())
        {
            await using (var take = new NpgsqlCommand("LOCK TABLE webhooks.application IN SHARE MODE", connection)) await take.ExecuteNonQueryAsync();
            asked = [.. Enumerable.Range(0, Requests).Select(i => server.AskAsync(key, "POST", "/v1/applications", $$"""{"name":"{{i}}"}""", $"stop-{i}"))];
            await Eventually.IsAsync(async () => await CountAsync(data, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'webhooks.application'::regclass") == Requests, () => server.AllLog);
            server.Terminate();
            await server.SaysAsync("Application is shutting down");
            await holding.CommitAsync();
        }

        Assert.All(await Task.WhenAll(asked), answer => Assert.Equal(201, answer.Status));
        Assert.Equal(0, await server.EndAsync());
        Assert.Equal(Requests, await CountAsync(data, "SELECT count(*) FROM webhooks.application"));
    }

    [Theory]
    [InlineData("/v1/applications", "webhooks.application", 201)]
    [InlineData("/v1/applications/{0}/events", "webhooks.event", 202)]
    public async Task KillMinusNine_BetweenCommitAndAnswer_TheRetryGetsTheSameId(string pattern, string table, int status)
    {
        const string Body = """{"name":"once"}""", Event = """{"type":"a.b","data":{}}""";
        await using var postgres = await PrivatePostgres.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var data = NpgsqlDataSource.Create(database);
        using var server = await ServerUnderTest.StartAsync(database, "--set", "Webhooks:RunWorker=false");
        var key = await ServerUnderTest.CreateKeyAsync(database);
        // Its use is noted and its share of the limit taken, so that the only commit to come is the request's.
        var application = (await server.AskAsync(key, "POST", "/v1/applications", """{"name":"first"}""")).Id;
        var (path, body) = (string.Format(CultureInfo.InvariantCulture, pattern, application), table.EndsWith("event", StringComparison.Ordinal) ? Event : Body);
        var before = await CountAsync(data, $"SELECT count(*) FROM {table}");

        // A commit that waits for a standby that is not there is done, and nobody knows it yet: exactly the moment between execution and answer.
        await ConfigureAsync("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        var asked = server.AskAsync(key, "POST", path, body, "once");
        await Eventually.IsAsync(async () => await CountAsync(data, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query ILIKE 'COMMIT%'") == 1, () => server.AllLog);
        await server.KillAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => asked);
        await ConfigureAsync("ALTER SYSTEM RESET synchronous_standby_names");
        await Eventually.IsAsync(async () => await CountAsync(data, $"SELECT count(*) FROM {table}") == before + 1, () => "The commit was lost.");

        using var next = await ServerUnderTest.StartAsync(database, "--set", "Webhooks:RunWorker=false");
        var retry = await next.AskAsync(key, "POST", path, body, "once");
        Assert.Equal((status, true), (retry.Status, retry.IsReplay));
        Assert.Equal(before + 1, await CountAsync(data, $"SELECT count(*) FROM {table}"));
        Assert.Equal(200, (await next.AskAsync(key, "GET", $"{path}/{retry.Id}")).Status);

        async Task ConfigureAsync(string change)
        {
            await using var connection = new NpgsqlConnection(postgres.ConnectionString);
            await connection.OpenAsync();
            foreach (var sql in new[] { change, "SELECT pg_reload_conf()" })
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync();
            }
        }
    }

    [Fact]
    public async Task KillMinusNine_AtRandomMomentsUnderLoad_EveryRetryFindsItsRequestDoneExactlyOnce()
    {
        const int Rounds = 5, Lanes = 16;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var data = NpgsqlDataSource.Create(database);
        await ServerUnderTest.RunAsync("migrate", "--connection", database);
        var key = await ServerUnderTest.CreateKeyAsync(database, "--requests-per-minute", "1000000");
        var (first, all) = (new Dictionary<string, string>(), new List<string>());
        for (var round = 0; round < Rounds; round++)
        {
            using var server = await ServerUnderTest.StartAsync(database);
            var name = $"round-{round}";
            var moment = TimeSpan.FromMilliseconds(random.Next(0, 700));
            // On a busy machine the first answer takes its time; the moment counts from there.
            var warm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var lanes = Enumerable.Range(0, Lanes).Select(lane => Task.Run(() => AskUntilKilledAsync(server, $"{name}-{lane}", warm))).ToArray();
            await warm.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await Task.Delay(moment);
            await server.KillAsync();
            await Task.WhenAll(lanes);
        }

        using var last = await ServerUnderTest.StartAsync(database);
        foreach (var name in all)
        {
            var retry = await last.AskAsync(key, "POST", "/v1/applications", $$"""{"name":"{{name}}"}""", name);
            Assert.True(retry.Status == 201, $"Seed {seed}, {name}: {retry.Text}");
            // What was answered once is answered so for ever; what was not may have been done or not, and now it is.
            if (first.TryGetValue(name, out var id)) Assert.Equal(id, retry.Id);
            else first[name] = retry.Id;
        }

        Assert.True(all.Count > Lanes * Rounds, $"Seed {seed}: only {all.Count} requests were made.");
        await using var command = data.CreateCommand("SELECT name, id FROM webhooks.application");
        await using var reader = await command.ExecuteReaderAsync();
        var stored = new List<KeyValuePair<string, string>>();
        while (await reader.ReadAsync()) stored.Add(new(reader.GetString(0), reader.GetString(1)));
        Assert.Equal(first.OrderBy(pair => pair.Key, StringComparer.Ordinal), stored.OrderBy(pair => pair.Key, StringComparer.Ordinal));

        async Task AskUntilKilledAsync(ServerUnderTest server, string lane, TaskCompletionSource warm)
        {
            for (var i = 0; ; i++)
            {
                var name = $"{lane}-{i}";
                lock (all) all.Add(name);
                try
                {
                    var answer = await server.AskAsync(key, "POST", "/v1/applications", $$"""{"name":"{{name}}"}""", name);
                    Assert.Equal(201, answer.Status);
                    lock (all) first[name] = answer.Id;
                    warm.TrySetResult();
                }
                catch (HttpRequestException)
                {
                    return;
                }
            }
        }
    }

    private static async Task<long> CountAsync(NpgsqlDataSource data, string sql)
    {
        await using var command = data.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
