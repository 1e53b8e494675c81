using System.Net;
using System.Net.Sockets;
using Npgsql;
using Webhooks.Testing;

namespace Webhooks.Server.Tests;

/// <summary>Starting, health, and stopping; what is wrong with the settings is said in a line that names them.</summary>
public class StartTests
{
    [Fact]
    public async Task Start_OnAnEmptyDatabase_IsLiveAndReady_AndSigtermEndsItWithZero()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        using var server = await ServerUnderTest.StartAsync(database);
        var live = await server.AskAsync(null, "GET", "/health/live");
        Assert.Equal((200, "healthy"), (live.Status, live.Json["status"]!.GetValue<string>()));
        await Eventually.IsAsync(async () => (await server.AskAsync(null, "GET", "/health/ready")).Status == 200, () => server.AllLog);
        var ready = await server.AskAsync(null, "GET", "/health/ready");
        Assert.Equal("healthy", ready.Json["checks"]!["webhook-dispatcher"]!["status"]!.GetValue<string>());
        Assert.Equal(401, (await server.AskAsync(null, "GET", "/v1/applications")).Status);
        server.Terminate();
        Assert.Equal(0, await server.EndAsync());

        var password = new NpgsqlConnectionStringBuilder(database).Password!;
        Assert.All(new[] { server.AllLog, live.Text, ready.Text }, said =>
        {
            Assert.DoesNotContain(password, said, StringComparison.Ordinal);
            Assert.DoesNotContain(ServerUnderTest.MasterKey, said, StringComparison.Ordinal);
        });
        // Every line is an object, for whoever collects them.
        Assert.All(server.Log, line => Assert.StartsWith("{\"Timestamp\":\"", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Path_ThatIsNotOfTheApi_IsRefusedInItsShape()
    {
        using var server = await ServerUnderTest.StartAsync(await SharedPostgres.CreateDatabaseAsync());
        foreach (var (method, path, status, code) in new[]
        {
            ("GET", "/", 404, "not_found"), ("POST", "/applications", 404, "not_found"), ("GET", "/health/nothing", 404, "not_found"),
            ("POST", "/openapi/v1.json", 405, "method_not_allowed"), ("GET", "/v1/nothing", 404, "not_found"), ("DELETE", "/v1/applications", 405, "method_not_allowed"),
        })
        {
            var answer = await server.AskAsync(null, method, path);
            var error = answer.Json["error"]!.AsObject();
            Assert.Equal((status, code), (answer.Status, error["code"]!.GetValue<string>()));
            Assert.Equal(["code", "details", "message", "request_id"], error.Select(member => member.Key).Order(StringComparer.Ordinal));
            Assert.Equal(answer.Headers["X-Request-Id"], error["request_id"]!.GetValue<string>());
        }

        server.Terminate();
        Assert.Equal(0, await server.EndAsync());
    }

    [Fact]
    public async Task Ready_WhileTheDatabaseIsDown_Is503_AndLiveIs200_AndReadyAgainAfterwards()
    {
        await using var postgres = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false });
        using var server = await ServerUnderTest.StartAsync(await postgres.CreateDatabaseAsync());
        await postgres.StopAsync();
        await Eventually.IsAsync(async () => (await server.AskAsync(null, "GET", "/health/ready")).Status == 503, () => "It stayed ready.");
        var ready = await server.AskAsync(null, "GET", "/health/ready");
        Assert.Equal("unhealthy", ready.Json["status"]!.GetValue<string>());
        Assert.DoesNotContain("127.0.0.1", ready.Text, StringComparison.Ordinal);
        Assert.Equal(200, (await server.AskAsync(null, "GET", "/health/live")).Status);
        await postgres.StartAgainAsync();
        await Eventually.IsAsync(async () => (await server.AskAsync(null, "GET", "/health/ready")).Status == 200, () => server.AllLog);
        server.Terminate();
        Assert.Equal(0, await server.EndAsync());
    }

    public static TheoryData<string, string[]> BadSettings => new()
    {
        { "Webhooks:ConnectionString is required", ["--master-key", ServerUnderTest.MasterKey] },
        { "Webhooks:ConnectionString must be one for PostgreSQL", ["--connection", "hunter2", "--master-key", ServerUnderTest.MasterKey] },
        { "Webhooks:ConnectionString must be one for PostgreSQL", ["--connection", "Database=hunter2", "--master-key", ServerUnderTest.MasterKey] },
        { "Webhooks:MasterKey is required", ["--connection", "Host=localhost"] },
        { "Webhooks:MasterKey is required", ["--connection", "Host=localhost", "--master-key", "hunter2"] },
        { "Webhooks:Sending:Timeout must lie between", [.. Good, "--set", "Webhooks:Sending:Timeout=01:00:00"] },
        { "'Webhooks:RunWorker'", [.. Good, "--set", "Webhooks:RunWorker=perhaps"] },
        { "'Webhooks:Sending:Proxy'", [.. Good, "--set", "Webhooks:Sending:Proxy=http://proxy:hunter2@:x:"] },
        { "Webhooks:Sending:TimeOuts is no setting", [.. Good, "--set", "Webhooks:Sending:TimeOuts=00:00:10"] },
        { "Server:MaxConnections must lie between", [.. Good, "--set", "Server:MaxConnections=0"] },
        { "Urls must be such as", [.. Good, "--urls", "nowhere"] },
        { "nosuch.json", [.. Good, "--config", "/nosuch.json"] },
    };

    private static string[] Good => ["--connection", "Host=localhost", "--master-key", ServerUnderTest.MasterKey];

    [Theory]
    [MemberData(nameof(BadSettings))]
    public async Task Start_WithABadSetting_NamesItInOneLine_AndEndsWithTwo(string expected, string[] arguments)
    {
        var ended = await ServerUnderTest.RunAsync(arguments);
        Assert.Equal(2, ended.Exit);
        Assert.Contains(expected, Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(ended.Output);
        Assert.DoesNotContain("hunter2", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithSeveralBadSettings_NamesEach()
    {
        var ended = await ServerUnderTest.RunAsync("--set", "Webhooks:Schema=A!", "--set", "Server:StopTimeout=0");
        Assert.Equal(4, ended.ErrorLines.Length);
    }

    [Fact]
    public async Task Settings_TheEnvironmentWinsOverTheFile_AndTheCommandLineOverBoth()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """{ "Webhooks": { "MasterKey": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Publishing": { "GroupCommitSize": -1, "MaxDataBytes": -1, "FreshBytes": -1 } } }""");
            var environment = new Dictionary<string, string>
            {
                ["WEBHOOKS__CONNECTIONSTRING"] = "Host=localhost", ["WEBHOOKS__PUBLISHING__GROUPCOMMITSIZE"] = "-2", ["WEBHOOKS__PUBLISHING__MAXDATABYTES"] = "-2",
            };
            var ended = await ServerUnderTest.RunAsync(environment, "--config", file, "--set", "Webhooks:Publishing:GroupCommitSize=-3");
            Assert.Equal(["it is -2.", "it is -3.", "it is -1."], ended.ErrorLines.Select(line => line[line.IndexOf("it is", StringComparison.Ordinal)..]));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Start_WithAnotherMasterKey_NamesIt_AndTellsNeither()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        using (var server = await ServerUnderTest.StartAsync(database))
        {
            server.Terminate();
            await server.EndAsync();
        }

        var other = Convert.ToBase64String(new byte[32]);
        var ended = await ServerUnderTest.RunAsync("--connection", database, "--master-key", other, "--urls", "http://127.0.0.1:0");
        Assert.Equal(2, ended.Exit);
        Assert.Contains("Webhooks:MasterKey does not open key", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(other, ended.Output + ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Database", "nosuch")]
    [InlineData("Password", "hunter2")]
    public async Task Start_OnADatabaseThatRefuses_NamesTheConnectionString(string keyword, string value)
    {
        var builder = new NpgsqlConnectionStringBuilder(await SharedPostgres.CreateDatabaseAsync()) { [keyword] = value };
        var ended = await ServerUnderTest.RunAsync("--connection", builder.ToString(), "--master-key", ServerUnderTest.MasterKey, "--urls", "http://127.0.0.1:0");
        Assert.Equal(2, ended.Exit);
        Assert.Contains("Webhooks:ConnectionString names a database that cannot be used", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ended.Output + ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_OnAPortThatIsTaken_NamesTheUrl()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";
        var ended = await ServerUnderTest.RunAsync("--connection", await SharedPostgres.CreateDatabaseAsync(), "--master-key", ServerUnderTest.MasterKey, "--urls", url);
        Assert.Equal(2, ended.Exit);
        Assert.Contains(url, Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
        Assert.StartsWith("webhooks-server: Urls: ", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutMigrating_OnAnEmptyDatabase_SaysToMigrate()
    {
        var ended = await ServerUnderTest.RunAsync(
            "--connection", await SharedPostgres.CreateDatabaseAsync(), "--master-key", ServerUnderTest.MasterKey, "--set", "Webhooks:MigrateAtStart=false");
        Assert.Equal(2, ended.Exit);
        Assert.Contains("run webhooks-server migrate", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
    }
}
