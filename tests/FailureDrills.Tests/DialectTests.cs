using System.Text.Json;
using System.Text.Json.Nodes;
using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Reporting;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using Webhooks.FailureDrills.Stubs.Admin;

namespace Webhooks.FailureDrills.Tests;

/// <summary>The two WireMocks are told the same thing in different words.</summary>
public class DialectTests
{
    private static readonly Script Script = Script.Of(Answer.Of(503, "no").With("Retry-After", "1").After(0.25), Answer.Of(500).Times(2), Answer.Ok);

    [Fact]
    public void Java_OfAScript_ChainsItsAnswersByTheStatesOfAScenario()
    {
        var mappings = new JavaDialect().Map("/drills/1", "a scenario", Script, null).Select(one => one.Mapping).ToList();
        Assert.Equal(["Started>1", "1>2", "2>3", "3>"], mappings.Select(one => $"{one["requiredScenarioState"]}>{one["newScenarioState"]}"));
        Assert.All(mappings, one => Assert.Equal(("a scenario", "/drills/1"), ((string)one["scenarioName"]!, (string)one["request"]!["urlPath"]!)));
        var response = JsonNode.Parse("""{"status":503,"headers":{"Retry-After":"1"},"base64Body":"bm8=","fixedDelayMilliseconds":250}""");
        Assert.True(JsonNode.DeepEquals(response, mappings[0]["response"]));
    }

    [Fact]
    public void Net_OfAScript_HasItsOwnNamesAndALastStateThatStays()
    {
        var mappings = new NetDialect().Map("/drills/1", "a scenario", Script, null).Select(one => one.Mapping).ToList();
        Assert.Equal([">1", "1>2", "2>3", "3>3"], mappings.Select(one => $"{one["WhenStateIs"]}>{one["SetStateTo"]}"));
        Assert.All(mappings, one => Assert.Equal("a scenario", (string)one["Scenario"]!));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"Path":{"Matchers":[{"Name":"ExactMatcher","Pattern":"/drills/1"}]}}"""), mappings[0]["Request"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"StatusCode":503,"Headers":{"Retry-After":"1"},"BodyAsBytes":"bm8=","Delay":250}"""), mappings[0]["Response"]));
    }

    [Fact]
    public async Task Net_OverItsAdminApi_PutsMappingsAndAsksForAPathsRequests()
    {
        var (dialect, id) = (new NetDialect(), Guid.NewGuid());
        using var add = dialect.Add(id, new JsonObject { ["Guid"] = id.ToString() });
        using var ask = dialect.AskJournal("/drills/1");
        using var forget = dialect.ForgetScenario("drills-1");
        Assert.Equal($"PUT mappings/{id} application/json", $"{add.Method} {add.RequestUri} {add.Content!.Headers.ContentType!.MediaType}");
        Assert.Equal(("POST requests/find", "DELETE scenarios/drills-1"), ($"{ask.Method} {ask.RequestUri}", $"{forget!.Method} {forget.RequestUri}"));
        Assert.Equal("""{"Path":{"Matchers":[{"Name":"ExactMatcher","Pattern":"/drills/1"}]}}""", await ask.Content!.ReadAsStringAsync());
    }

    [Fact]
    public void Net_ReadsTheJournalInTheOrderOfArrivalWhateverWasAnsweredFirst()
    {
        // As WireMock.Net 2.15 writes it, shortened; a request is entered when it has been answered.
        var journal = JsonElement.Parse("""
            [
              {
                "Guid": "988d30a3-078b-417d-a5d6-281f49916a84",
                "Request": {
                  "ClientIP": "127.0.0.1", "DateTime": "2026-11-22T01:08:28.5130124Z", "Path": "/drills/1", "AbsolutePath": "/drills/1", "Url": "http://127.0.0.1:41905/drills/1",
                  "Query": {}, "Method": "POST", "HttpVersion": "1.1", "Headers": { "Content-Type": [ "application/json" ], "Content-Length": [ "7" ], "webhook-id": [ "evt_2" ] },
                  "Cookies": {}, "Body": "{\"n\":2}", "BodyAsJson": { "n": 2 }, "BodyEncoding": { "CodePage": 65001, "EncodingName": "Unicode (UTF-8)", "WebName": "utf-8" },
                  "DetectedBodyType": "Json", "DetectedBodyTypeFromContentType": "Json"
                },
                "Response": { "StatusCode": 204, "DateTime": "0001-01-01T00:00:00" }, "MappingGuid": "3eb9b36b-7946-4238-92c2-7f33ea5aed4d"
              },
              {
                "Guid": "35c6860a-6537-41cd-9c27-e4eb6c52003e",
                "Request": {
                  "ClientIP": "127.0.0.1", "DateTime": "2026-11-22T01:08:27.8827821Z", "Path": "/drills/1", "AbsolutePath": "/drills/1", "Url": "http://127.0.0.1:41905/drills/1",
                  "Query": {}, "Method": "POST", "HttpVersion": "1.1", "Headers": { "webhook-id": [ "evt_1" ] }, "BodyAsBytes": "AAE=",
                  "DetectedBodyType": "Bytes", "DetectedBodyTypeFromContentType": "Bytes"
                },
                "Response": { "StatusCode": 204, "DateTime": "0001-01-01T00:00:00" }
              }
            ]
            """);
        var requests = new NetDialect().ReadJournal(journal, "/drills/1");
        Assert.Equal(["1 evt_1 AAE=", "2 evt_2 eyJuIjoyfQ=="], requests.Select(one => $"{one.Number} {one.Headers["webhook-id"][0]} {Convert.ToBase64String(one.Body.Span)}"));
    }

    [Fact]
    public void Net_CannotDoWhatItsServerDoesNot_AndSaysSo()
    {
        var can = new NetDialect().Can;
        Assert.All(
            new[] { Can.Reset, Can.EmptyReply, Can.MalformedChunk, Can.RandomBytes, Can.Dribble, Can.Close, Can.UnderWay, Can.Bytes, Can.Tls, Can.Outage },
            one => Assert.Equal(Can.Nothing, can & one));
        Assert.Equal(Can.Close, Answer.Ok.With("Connection", "close").Needs);
        Assert.True(AllDrills.Find("killed-between-post-and-settle")!.Needs.HasFlag(Can.UnderWay));
    }

    [Fact]
    public void OneAnswerForEver_NeedsNoScenario() => Assert.All(
        new IAdminDialect[] { new JavaDialect(), new NetDialect() },
        dialect => Assert.DoesNotContain(dialect.Map("/x", "s", Script.Of(Answer.Ok), null).Single().Mapping, member => member.Key.Contains("cenario", StringComparison.Ordinal)));

    [Fact]
    public async Task Drills_OverTheNetDialect_PassOrAreNotSupportedAndLeaveNoMapping()
    {
        await using var server = await WireMockNetServer.StartAsync();
        await using var drivers = await Drivers.BringAsync([Drivers.WireMockNet], null, server.Url, null, CancellationToken.None);
        await using var databases = await Databases.StartAsync(CancellationToken.None);
        string[] names = ["gone", "two-failures-then-success", "throttled-for-seconds", "reset-before-answer", "accepted-but-lost", "gone-then-resumed"];
        var drills = names.Select(name => AllDrills.Find(name)!).ToList();
        var outcome = await CatalogueRun.RunAsync(drills, drivers, databases, new Pace(Patience: 5), (_, _) => { }, _ => { }, CancellationToken.None);
        Assert.True(outcome.AllAsExpected, string.Join('\n', outcome.Results.Where(result => result.Verdict == Verdict.Failed).Select(TextReport.Failure)));
        Assert.Equal("reset-before-answer", Assert.Single(outcome.Results, result => result.Verdict == Verdict.NotSupported).Drill.Name);
        Assert.Equal((0, 0), (server.Mappings, server.Scenarios));
    }

    [Fact]
    public async Task NetDriver_WithoutAServer_IsNamedAsMissing()
    {
        await using var drivers = await Drivers.BringAsync([Drivers.WireMockNet], null, null, null, CancellationToken.None);
        Assert.Empty(drivers.All);
        Assert.Contains("samples/FailureDrills.WireMockNet", drivers.Missing[Drivers.WireMockNet], StringComparison.Ordinal);
    }
}
