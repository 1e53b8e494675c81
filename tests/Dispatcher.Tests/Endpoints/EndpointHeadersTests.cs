using System.Text;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Tests.Api;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Endpoints;

/// <summary>Headers of an endpoint's own: sent with every request, and to be seen nowhere else.</summary>
public class EndpointHeadersTests
{
    private const string Token = "canary-5f0c9e2d7b";

    [Fact]
    public async Task Headers_OfAnEndpoint_GoWithEveryRequest_StayWhenLeftOut_AndEndWhenRemoved()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(
            receiver.Url, new EndpointSettings("") { Headers = new Dictionary<string, string> { ["Authorization"] = $"Bearer {Token}", ["X-Tenant"] = "a b" } });
        Assert.Equal((Token, "a b"), await NextAsync());
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()) { Description = "other" });
        Assert.Equal((Token, "a b"), await NextAsync());
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()) { Headers = new Dictionary<string, string> { ["x-tenant"] = "c" } });
        Assert.Equal((null, "c"), await NextAsync());
        Assert.Equal(["x-tenant"], await platform.ListAsync<string>("SELECT unnest(header_names) FROM webhooks.endpoint"));
        await platform.Endpoints.UpdateAsync(endpoint.Id, new EndpointSettings(receiver.Url.ToString()) { Headers = new Dictionary<string, string>() });
        Assert.Equal((null, null), await NextAsync());

        async Task<(string? Token, string? Tenant)> NextAsync()
        {
            var before = (int)receiver.Count;
            await platform.PublishAsync(application);
            var request = (await receiver.WaitForAsync(before + 1))[before];
            Assert.True(request.Verify(endpoint.Secret).IsValid);
            await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == stream.Head);
            return (request.Header("Authorization")?.Replace("Bearer ", "", StringComparison.Ordinal), request.Header("X-Tenant"));
        }
    }

    [Fact]
    public async Task Headers_ThroughTheApi_ShowTheirNamesAlone_WhateverTheReceiverEchoes()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var api = await ApiPlatform.StartAsync(worker: true);
        var (key, application) = await EndpointsApiTests.ApplicationAsync(api);
        var created = await EndpointsApiTests.CreateAsync(
            api, key, application, receiver.Url.ToString(), $$""","failure_threshold":1,"headers":{"Authorization":"Bearer {{Token}}","X-Key":"{{Token}}-2"}""");
        Assert.Equal((201, """["Authorization","X-Key"]"""), (created.Status, created.Body!["headers"]!.ToJsonString()));
        var id = created.Text("id");
        receiver.Respond(request => ScriptedAnswer.NoContent with
        {
            Status = 500, Body = Encoding.UTF8.GetBytes($"{request.Header("Authorization")} and {request.Header("X-Key")} are wrong, {Token}"),
        });
        await api.Platform.PublishAsync(WebhookApplicationId.Parse(application));
        await api.Platform.WaitForStreamAsync(WebhookEndpointId.Parse(id), stream => stream.Status == EndpointStatus.Paused);
        Assert.Equal($"Bearer {Token}", receiver.Requests[0].Header("Authorization"));
        var read = (await api.AskAsync(key, "GET", $"/endpoints/{id}")).Body!;
        Assert.Contains("*** and *** are wrong, ***", EndpointsApiTests.At(read, "pause.evidence"), StringComparison.Ordinal);

        var changed = await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"description":"other"}""");
        Assert.Equal("""["Authorization","X-Key"]""", changed.Body!["headers"]!.ToJsonString());
        var refused = await api.AskAsync(key, "PATCH", $"/endpoints/{id}", $$"""{"headers":{"X: {{Token}}":"a","X-Key":"{{Token}}\u0007"} }""");
        Assert.Equal((422, "headers"), (refused.Status, string.Join(',', refused.Fields)));
        Assert.Equal(["headers"], (await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"headers":{"a":1}}""")).Fields);
        Assert.Equal(["headers"], (await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"headers":{"a":"\ud800"}}""")).Fields);
        Assert.Equal("[]", (await api.AskAsync(key, "PATCH", $"/endpoints/{id}", """{"headers":null}""")).Body!["headers"]!.ToJsonString());

        var shown = new[] { created, changed, refused }.Select(answer => answer.Body!.ToJsonString()).Append(read.ToJsonString());
        var tables = await api.Platform.ListAsync<string>("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'webhooks' AND table_type = 'BASE TABLE'");
        Assert.Contains("attempt", tables);
        foreach (var table in tables) shown = shown.Concat(await api.Platform.ListAsync<string>($"SELECT t::text FROM webhooks.{table} t"));
        var hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Token));
        Assert.All(shown, text => Assert.False(text.Contains(Token, StringComparison.Ordinal) || text.Contains(hex, StringComparison.Ordinal), text));
    }

    [Theory]
    [InlineData("X-Key", "a")]
    [InlineData("Authorization", "Basic YTpi")]
    [InlineData("Cookie", "a=b; c=d")]
    [InlineData("!#$%&'*+-.^_`|~09azAZ", "!~")]
    public void Headers_Fit_AreAccepted(string name, string value) => Assert.Empty(EndpointHeaders.Problems(new Dictionary<string, string> { [name] = value }));

    [Theory]
    [InlineData("", "a")]
    [InlineData("a b", "a")]
    [InlineData("a:", "a")]
    [InlineData("é", "a")]
    [InlineData("a\r\nb", "a")]
    [InlineData("Webhook-Id", "a")]
    [InlineData("webhook-anything", "a")]
    [InlineData("HOST", "a")]
    [InlineData("Content-Type", "a")]
    [InlineData("content-length", "1")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("Connection", "close")]
    [InlineData("Proxy-Authorization", "a")]
    [InlineData("Expect", "100-continue")]
    [InlineData("User-Agent", "a")]
    [InlineData("a", "")]
    [InlineData("a", " a")]
    [InlineData("a", "a ")]
    [InlineData("a", "a\r\nb: c")]
    [InlineData("a", "ü")]
    [InlineData("a", null)]
    public void Headers_Unfit_AreRefused(string name, string? value) => Assert.Single(EndpointHeaders.Problems(new Dictionary<string, string> { [name] = value! }));

    [Fact]
    public void Headers_TooManyTooLongOrTwice_AreRefused()
    {
        Assert.Single(EndpointHeaders.Problems(Enumerable.Range(0, 11).ToDictionary(i => $"a{i}", _ => "a")));
        Assert.Empty(EndpointHeaders.Problems(Enumerable.Range(0, 10).ToDictionary(i => $"a{i}", _ => new string('a', 1024))));
        Assert.Single(EndpointHeaders.Problems(new Dictionary<string, string> { ["a"] = new('a', 1025) }));
        Assert.Single(EndpointHeaders.Problems(new Dictionary<string, string> { [new('a', 101)] = "a" }));
        Assert.Single(EndpointHeaders.Problems(new Dictionary<string, string> { ["a"] = "1", ["A"] = "2" }));
    }

    /// <summary>Wherever the beginning that is kept ends, and wherever the answer breaks off.</summary>
    [Fact]
    public void Hide_WhereverTheAnswerIsCut_LeavesNoPartOfAValue()
    {
        var headers = new EndpointHeaders(new Dictionary<string, string> { ["Authorization"] = $"Bearer {Token}", ["X-Key"] = Token[..8] });
        var answer = Encoding.ASCII.GetBytes($"1234 Bearer {Token} 5678 {Token} 90 {Token[..8]}");
        for (var length = 0; length <= answer.Length; length++)
        {
            var whole = Encoding.ASCII.GetString(headers.Hide(answer.AsSpan(0, Math.Min(answer.Length, length + headers.LongestHidden)), length));
            Assert.DoesNotContain("cana", whole, StringComparison.Ordinal);
            Assert.DoesNotContain("cana", Encoding.ASCII.GetString(headers.Hide(answer.AsSpan(0, length), answer.Length)), StringComparison.Ordinal);
        }

        Assert.Equal("1234 *** 5678 *** 90 ***", Encoding.ASCII.GetString(headers.Hide(answer, answer.Length)));
        Assert.DoesNotContain(Token, headers.ToString(), StringComparison.Ordinal);
    }
}
