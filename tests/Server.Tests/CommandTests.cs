using Webhooks.Testing;

namespace Webhooks.Server.Tests;

/// <summary>The commands that do one thing and end.</summary>
public class CommandTests
{
    [Fact]
    public async Task Migrate_OnAnEmptyDatabase_AppliesAll_AndNothingTheSecondTime()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        var first = await ServerUnderTest.RunAsync("migrate", "--connection", database);
        Assert.Equal((0, ""), (first.Exit, first.Output));
        Assert.Contains("migrations were applied", first.Errors, StringComparison.Ordinal);
        var second = await ServerUnderTest.RunAsync("migrate", "--connection", database);
        Assert.Equal((0, "", "The schema is up to date.\n"), (second.Exit, second.Output, second.Errors));
        using var server = await ServerUnderTest.StartAsync(database, "--set", "Webhooks:MigrateAtStart=false");
        Assert.Equal(200, (await server.AskAsync(null, "GET", "/health/live")).Status);
    }

    [Fact]
    public async Task CreateKey_PrintsTheKeyAloneOnStandardOutput_AndItWorksUnderBothSchemes()
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        using var server = await ServerUnderTest.StartAsync(database);
        var created = await ServerUnderTest.RunAsync("create-key", "--connection", database, "--name", "ci", "--scope", "applications:read", "--scope", "applications:write");
        Assert.Equal(0, created.Exit);
        var key = created.Output.TrimEnd('\n');
        Assert.Matches("^wk_[0-9a-f]{64}$", key);
        Assert.DoesNotContain(key, created.Errors, StringComparison.Ordinal);

        var application = await server.AskAsync(key, "POST", "/v1/applications", """{"name":"Acme"}""");
        Assert.Equal(201, application.Status);
        Assert.Equal(200, (await server.AskAsync(key, "GET", $"/v1/applications/{application.Id}")).Status);
        using var curl = new HttpClient { DefaultRequestHeaders = { { "Authorization", $"Api-Key {key}" } } };
        Assert.Contains(application.Id, await curl.GetStringAsync(new Uri(server.Url, "/v1/applications")), StringComparison.Ordinal);
        Assert.DoesNotContain(key, server.AllLog, StringComparison.Ordinal);

        // Bound to another application, the first one is not there.
        var other = (await server.AskAsync(key, "POST", "/v1/applications", """{"name":"Other"}""")).Id;
        var bound = await ServerUnderTest.CreateKeyAsync(database, "--application", other, "--expires", "2999-12-31");
        Assert.Equal(200, (await server.AskAsync(bound, "GET", $"/v1/applications/{other}")).Status);
        Assert.Equal(404, (await server.AskAsync(bound, "GET", $"/v1/applications/{application.Id}")).Status);
    }

    [Theory]
    [InlineData("scopes: Must be some of", "--name", "x", "--scope", "everything")]
    [InlineData("expires_at: Must lie in the future", "--name", "x", "--expires", "2020-01-01")]
    [InlineData("requests_per_minute: Must lie between", "--name", "x", "--requests-per-minute", "0")]
    [InlineData("name: Must have", "--name", " ")]
    [InlineData("There is no such application", "--name", "x", "--application", "app_00000000000000000000000000000000")]
    [InlineData("--application takes", "--name", "x", "--application", "acme")]
    [InlineData("--expires takes", "--name", "x", "--expires", "soon")]
    [InlineData("'--name' is required")]
    public async Task CreateKey_Refused_SaysWhy_PrintsNoKey_AndEndsWithTwo(string expected, params string[] arguments)
    {
        var database = await SharedPostgres.CreateDatabaseAsync();
        await ServerUnderTest.RunAsync("migrate", "--connection", database);
        var ended = await ServerUnderTest.RunAsync(["create-key", "--connection", database, .. arguments]);
        Assert.Equal(2, ended.Exit);
        Assert.Contains(expected, ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("wk_", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateKey_BeforeMigrate_SaysToMigrate()
    {
        var ended = await ServerUnderTest.RunAsync("create-key", "--name", "x", "--connection", await SharedPostgres.CreateDatabaseAsync());
        Assert.Equal(2, ended.Exit);
        Assert.Contains("run webhooks-server migrate", Assert.Single(ended.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_IsOneLine() => Assert.Matches(@"^[0-9]+\.[0-9]+\.[0-9]+\S*\n$", (await ServerUnderTest.RunAsync("version")).Output);

    [Fact]
    public async Task UnknownOption_IsNamed_AndEndsWithTwo()
    {
        var ended = await ServerUnderTest.RunAsync("run", "--nosuch");
        Assert.Equal(2, ended.Exit);
        Assert.Contains("--nosuch", ended.Errors, StringComparison.Ordinal);
    }
}
