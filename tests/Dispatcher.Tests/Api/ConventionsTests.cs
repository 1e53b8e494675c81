using System.Net.Http.Headers;
using System.Text;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>What every route has in common (design, section 7).</summary>
public class ConventionsTests
{
    [Fact]
    public async Task Errors_WhateverIsWrong_HaveOneShapeAndTheRequestIdInBodyAndHeader()
    {
        await using var api = await ApiPlatform.StartAsync();
        var (key, application) = (await api.KeyAsync(), await api.Platform.Applications.CreateAsync("a"));
        (ApiAnswer Answer, int Status, string Code)[] seen =
        [
            (await api.AskAsync("", "GET", "/applications"), 401, "unauthenticated"),
            (await api.AskAsync(key[..^1] + (key[^1] == '0' ? '1' : '0'), "GET", "/applications"), 401, "unauthenticated"),
            (await api.AskAsync(key, "GET", "/nothing/of/the/kind"), 404, "not_found"),
            (await api.AskAsync(key, "DELETE", "/applications"), 405, "method_not_allowed"),
            (await api.AskAsync(key, "POST", "/applications", "{"), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", "[]"), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":"a","name":"b"}"""), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":1,"daily_quota":0,"colour":"red"}"""), 422, "validation_failed"),
            (await api.AskAsync(key, "POST", "/applications", $$"""{"name":"{{new string('x', 300_000)}}"}"""), 413, "too_large"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":"a"}""", ""), 400, "malformed_idempotency_key"),
            (await api.AskAsync(key, "GET", "/applications?limit=251"), 400, "malformed_request"),
            (await api.AskAsync(key, "GET", "/applications?cursor=abc"), 400, "malformed_request"),
            (await api.AskAsync(key, "GET", "/applications?colour=red"), 400, "malformed_request"),
            (await api.AskAsync(key, "GET", $"/applications/{application}/events?type=a&since=0001-01-01T00:00:00Z"), 400, "malformed_request"),
            (await api.AskAsync(key, "GET", "/applications?cursor=%22%25"), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", """{"\ud800":1}"""), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":"a","suspended":{"a":{"\ud800":1}}}"""), 400, "malformed_request"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":"\ud800"}"""), 422, "validation_failed"),
            (await api.AskAsync(key, "POST", "/applications", """{"name":"\u0000"}"""), 422, "validation_failed"),
        ];
        foreach (var (answer, status, code) in seen)
        {
            Assert.Equal((status, code), (answer.Status, answer.Code));
            Assert.Equal("application/json", answer.Headers["Content-Type"]);
            Assert.Equal(answer.Headers["X-Request-Id"], answer.Body!["error"]!["request_id"]!.GetValue<string>());
            Assert.NotEmpty(answer.Body["error"]!["message"]!.GetValue<string>());
        }

        Assert.Equal(["colour", "daily_quota", "name"], seen[7].Answer.Fields);
        Assert.Contains("POST", seen[3].Answer.Headers["Allow"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_ThatIsNotUtf8_Is400()
    {
        await using var api = await ApiPlatform.StartAsync();
        foreach (var body in new byte[][] { [.. "{\"name\":\""u8, 0xFF, .. "\"}"u8], [.. "{\"n"u8, 0xC3, .. "\":1}"u8] })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/applications") { Content = new ByteArrayContent(body) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await api.KeyAsync());
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            var answer = await api.SendAsync(request);
            Assert.Equal((400, "malformed_request"), (answer.Status, answer.Code));
        }
    }

    [Theory, InlineData("""{"name":"a","name":"b"}""", "A name stands twice in an object of the body."), InlineData("""{"name":"a",}""", "The body is not JSON; line 1, byte 13.")]
    public async Task Body_ThatCannotBeRead_IsToldWhy_AndWhereIfThatIsKnown(string body, string message)
    {
        await using var api = await ApiPlatform.StartAsync();
        var answer = await api.AskAsync(await api.KeyAsync(), "POST", "/applications", body);
        Assert.Equal((400, message), (answer.Status, answer.Body!["error"]!["message"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Body_WithItsCharsetInQuotes_IsTaken()
    {
        await using var api = await ApiPlatform.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/applications") { Content = new ByteArrayContent("""{"name":"a"}"""u8.ToArray()) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await api.KeyAsync());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=\"UTF-8\"");
        Assert.Equal(201, (await api.SendAsync(request)).Status);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Body_ThatIsTooLarge_IsToldHowLargeItMayBe_AlsoWhenItDidNotSayItsLength(bool chunked)
    {
        await using var api = await ApiPlatform.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/applications") { Content = new ByteArrayContent(new byte[300_000]) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await api.KeyAsync());
        request.Headers.TransferEncodingChunked = chunked;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var answer = await api.SendAsync(request);
        Assert.Equal((413, "The body may have at most 262144 bytes."), (answer.Status, answer.Body!["error"]!["message"]!.GetValue<string>()));
    }

    [Theory, InlineData("text/plain", null), InlineData("application/json", "gzip")]
    public async Task Body_OfAnotherKind_Is415(string mediaType, string? encoding)
    {
        await using var api = await ApiPlatform.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/applications");
        request.Headers.Authorization = new AuthenticationHeaderValue("Api-Key", await api.KeyAsync());
        request.Content = new StringContent("""{"name":"a"}""", Encoding.UTF8, mediaType);
        if (encoding is not null) request.Content.Headers.ContentEncoding.Add(encoding);
        var answer = await api.SendAsync(request);
        Assert.Equal((415, "unsupported_media_type"), (answer.Status, answer.Code));
    }

    [Theory, InlineData("Bearer"), InlineData("Api-Key"), InlineData("api-key")]
    public async Task Key_InEitherScheme_IsTaken(string scheme)
    {
        await using var api = await ApiPlatform.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/applications");
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {await api.KeyAsync()}");
        Assert.Equal(200, (await api.SendAsync(request)).Status);
    }

    [Fact]
    public async Task Key_WithoutTheScope_Is403AndNamesIt()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync(settings => settings with { Scopes = [WebhookApiScopes.EventsRead] });
        var answer = await api.AskAsync(key, "POST", "/applications", """{"name":"a"}""");
        Assert.Equal((403, "forbidden"), (answer.Status, answer.Code));
        Assert.Contains("applications:write", answer.Body!["error"]!["details"]!["scope"]![0]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.application"));
    }

    [Fact]
    public async Task IdempotencyKey_FiftyTwinsAtOnce_OneIsDoneAndAllGetItsAnswer()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.AskAsync(key, "POST", "/applications", """{"name":"one"}""", "twin-1")));
        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text("id")).Distinct());
        Assert.Equal(49, answers.Count(answer => answer.Headers.ContainsKey("Idempotency-Replayed")));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.application"));
        Assert.Equal(1, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.audit"));
    }

    [Fact]
    public async Task IdempotencyKey_ForAnotherBody_Is409_AndARefusalIsKeptToo()
    {
        await using var api = await ApiPlatform.StartAsync();
        var key = await api.KeyAsync();
        var first = await api.AskAsync(key, "POST", "/applications", """{"name":""}""", "k");
        Assert.Equal(422, first.Status);
        var again = await api.AskAsync(key, "POST", "/applications", """{"name":""}""", "k");
        Assert.Equal((422, first.Body!["error"]!["request_id"]!.GetValue<string>()), (again.Status, again.Body!["error"]!["request_id"]!.GetValue<string>()));
        Assert.Equal("idempotency_key_reused", (await api.AskAsync(key, "POST", "/applications", """{"name":"b"}""", "k")).Code);
        Assert.Equal(0, await api.Platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.application"));
    }

    [Fact]
    public async Task RateLimit_InTwoProcessesTogether_HoldsWithinFivePercent()
    {
        var (one, other) = await ApiPlatform.StartTwoAtOneMomentAsync();
        await using var first = one;
        await using var second = other;
        var key = await one.KeyAsync(settings => settings with { RequestsPerMinute = 600 });
        var answers = new List<ApiAnswer>();
        for (var i = 0; i < 20; i++)
            answers.AddRange(await Task.WhenAll(Enumerable.Range(0, 40).Select(n => (n % 2 == 0 ? one : other).AskAsync(key, "GET", "/applications?limit=1"))));
        Assert.InRange(answers.Count(answer => answer.Status == 200), 570, 600);
        var refused = answers.First(answer => answer.Status == 429);
        Assert.Equal("rate_limited", refused.Code);
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture), 1, 60);
        Assert.Equal("600", refused.Headers["RateLimit-Limit"]);
        Assert.Equal("0", refused.Headers["RateLimit-Remaining"]);
    }
}
