using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.FailureDrills.Stubs.Admin;
using Webhooks.FailureDrills.Stubs.Scripted;

namespace Webhooks.FailureDrills.WireMockNet.Tests;

/// <summary>The drills' dialect against a real WireMock.Net, in this process.</summary>
public class WireMockNetTests
{
    [Fact]
    public async Task Drills_OnAWireMockNetInProcess_PassOrAreNotSupported()
    {
        await using var drivers = await Drivers.BringAsync([Drivers.WireMockNet], null, null, new WireMockNetLauncher(), CancellationToken.None);
        await using var databases = await Databases.StartAsync(CancellationToken.None);
        Assert.Empty(drivers.Missing);
        string[] names =
        [
            "gone", "two-failures-then-success", "throttled-for-seconds", "status-999", "slow-headers", "reset-before-answer", "name-gone", "killed-between-post-and-settle",
            "accepted-but-lost", "gone-then-resumed", "rotate-with-overlap",
        ];
        var outcome = await CatalogueRun.RunAsync(
            [.. names.Select(name => AllDrills.Find(name)!)], drivers, databases, new Pace(Patience: 5), (_, _) => { }, _ => { }, CancellationToken.None);
        Assert.True(outcome.AllAsExpected, string.Join('\n', outcome.Results.Where(result => result.Verdict == Verdict.Failed).Select(TextReport.Failure)));
        Assert.Equal(
            ["reset-before-answer", "name-gone", "killed-between-post-and-settle"],
            outcome.Results.Where(result => result.Verdict == Verdict.NotSupported).Select(result => result.Drill.Name));
    }

    [Fact]
    public async Task Stub_ThatPassesRequestsOn_PassesTheirBytesOn()
    {
        // Not as a JSON writer would write it: a signature is one of these bytes.
        var body = "{ \"n\": 1.0, \"at\": \"2026-01-02T03:04:05Z\",\n  \"word\": \"\\u00e9 é\", \"big\": 12345678901234567890.10, \"e\": 1E3 }";
        await using var receiver = await new ScriptedDriver().OpenAsync(new StubOpening(Script.Of(Answer.Of(503, "later").With("Retry-After", "7"))), CancellationToken.None);
        await using var driver = await StartAsync();
        await using var stub = await driver.OpenAsync(new StubOpening(Script.Of(Answer.FromReceiver)), CancellationToken.None);
        await stub.ForwardToAsync(receiver.Url, CancellationToken.None);
        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        content.Headers.Add("webhook-id", "evt_1");
        using var answer = await client.PostAsync(stub.Url, content);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 7), (answer.StatusCode, answer.Headers.RetryAfter!.Delta!.Value.Seconds));
        foreach (var journal in new[] { await receiver.JournalAsync(CancellationToken.None), await stub.JournalAsync(CancellationToken.None) })
        {
            var seen = Assert.Single(journal).Request;
            Assert.Equal((body, "evt_1"), (Encoding.UTF8.GetString(seen.Body.Span), seen.Headers["webhook-id"][0]));
        }
    }

    [Fact]
    public async Task Stub_AtTheEnd_LeavesNeitherMappingNorScenario()
    {
        var launched = await new WireMockNetLauncher().StartAsync(CancellationToken.None);
        await using var driver = new AdminDriver(launched.Url, new NetDialect(), launched.Server);
        using var client = new HttpClient { BaseAddress = new Uri(launched.Url, "/__admin/") };
        var stub = await driver.OpenAsync(new StubOpening(Script.Cycle(Answer.Of(500).Times(2), Answer.Ok)), CancellationToken.None);
        List<int> answers = [];
        for (var i = 0; i < 5; i++)
        {
            using var answer = await client.PostAsync(stub.Url, new StringContent("{}"));
            answers.Add((int)answer.StatusCode);
        }

        Assert.Equal([500, 500, 204, 500, 500], answers);
        Assert.Equal((3, 1), (await CountAsync("mappings"), await CountAsync("scenarios")));
        await stub.DisposeAsync();
        Assert.Equal((0, 0), (await CountAsync("mappings"), await CountAsync("scenarios")));

        async Task<int> CountAsync(string what) => (await client.GetFromJsonAsync<JsonElement>(what)).GetArrayLength();
    }

    /// <summary>Why the driver says that it cannot do them.</summary>
    [Theory]
    [InlineData("EMPTY_RESPONSE", 0)]
    [InlineData("MALFORMED_RESPONSE_CHUNK", 1)]
    [InlineData("CONNECTION_RESET_BY_PEER", 7)]
    public async Task Fault_OfTheServersOwn_IsAWholeAnswerAllTheSame(string fault, int leastBytes)
    {
        var launched = await new WireMockNetLauncher().StartAsync(CancellationToken.None);
        await using var driver = new AdminDriver(launched.Url, new NetDialect(), launched.Server);
        using var client = new HttpClient { BaseAddress = launched.Url };
        var id = Guid.NewGuid();
        using var added = await client.PutAsJsonAsync($"/__admin/mappings/{id}", new
        {
            Guid = id, Request = new { Path = "/broken" }, Response = new { StatusCode = 200, Body = "a body!", Fault = new { Type = fault } },
        });
        added.EnsureSuccessStatusCode();
        using var answer = await client.PostAsync(new Uri("/broken", UriKind.Relative), new StringContent("{}"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange((await answer.Content.ReadAsByteArrayAsync()).Length, leastBytes, leastBytes == 0 ? 0 : 1000);
    }

    private static async Task<AdminDriver> StartAsync()
    {
        var launched = await new WireMockNetLauncher().StartAsync(CancellationToken.None);
        return new AdminDriver(launched.Url, new NetDialect(), launched.Server);
    }
}
