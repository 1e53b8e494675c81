using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Delivery;

/// <summary>What an endpoint does, and under which name it is recorded. Promise 13: bounded in time and size, no redirects, no address that is not allowed.</summary>
public class OutcomeTests
{
    private static readonly TimeSpan Slowly = TimeSpan.FromMilliseconds(200);

    public static TheoryData<string, int?> Outcomes => new()
    {
        { "http_error", 404 }, { "redirected", 307 }, { "unavailable", 503 }, { "throttled", 429 }, { "gone", 410 }, { "timed_out", null },
        { "timed_out slow body", null }, { "response_too_large", 200 }, { "response_too_large endless", 200 }, { "connection_reset", null },
        { "connection_reset before reading", null }, { "http_error endless", 500 },
    };

    [Theory]
    [MemberData(nameof(Outcomes))]
    public async Task Attempt_Failed_IsRecordedByItsName(string what, int? status)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(what switch
        {
            "redirected" => ScriptedAnswer.Redirect(receiver.Url + "elsewhere"),
            "unavailable" => ScriptedAnswer.Of(503).WithHeader("Retry-After", "1"),
            "timed_out" => ScriptedAnswer.Never,
            "timed_out slow body" => ScriptedAnswer.SlowBody(1000, Slowly),
            "response_too_large" => ScriptedAnswer.Of(200, new string('x', 70_000)),
            "response_too_large endless" => ScriptedAnswer.EndlessBody,
            "http_error endless" => ScriptedAnswer.EndlessBody with { Status = 500 },
            "connection_reset" => ScriptedAnswer.ResetAfterReading,
            "connection_reset before reading" => ScriptedAnswer.ResetBeforeReading,
            _ => ScriptedAnswer.Of(status!.Value, "because\0of\u0007this"),
        });
        // Where time runs out it must be short, and then it may run out for the next attempt as well.
        var inTime = !what.StartsWith("timed_out", StringComparison.Ordinal);
        await using var platform = await Platform.StartAsync(options =>
        {
            if (!inTime) options.Sending.Timeout = TimeSpan.FromMilliseconds(600);
        });
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { FailureThreshold = 100 });
        await platform.PublishAsync(application);
        await Platform.UntilAsync(async () => await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.attempt") > 0, "the attempt is recorded");

        Assert.Equal(what.Split(' ')[0], await platform.ScalarAsync<string>("SELECT outcome FROM webhooks.attempt ORDER BY attempt LIMIT 1"));
        Assert.Equal(status ?? 0, await platform.ScalarAsync<int>("SELECT coalesce(status_code, 0) FROM webhooks.attempt ORDER BY attempt LIMIT 1"));
        if (what == "gone") await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        Assert.InRange(receiver.Count, 2, inTime ? 2 : 100);
        Assert.All(receiver.Requests, request => Assert.Equal("/", request.Path));
    }

    [Theory]
    [InlineData("http://no-such-host.invalid/", "dns_failed")]
    [InlineData("http://127.0.0.1:1/", "connect_failed")]
    public async Task Attempt_Unreachable_IsRecordedByItsName(string url, string outcome)
    {
        await using var platform = await Platform.StartAsync();
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri(url));
        await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Contains(outcome, stream.PauseEvidence);
        Assert.Equal([outcome], (await platform.ListAsync<string>("SELECT outcome FROM webhooks.attempt")).Distinct());
    }

    /// <summary>A name passes when the endpoint is made; where it leads is judged when the connection is made, after DNS.</summary>
    [Fact]
    public async Task Attempt_NameOfAnAddressNotAllowed_IsRefusedWhenConnecting()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(
            options => options.Sending.AllowedNetworks.Clear(), services: services => services.AddSingleton<LookUp>(_ => [IPAddress.Loopback]));
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri($"http://rebinding.example:{receiver.Port}/"));
        await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Contains("address_refused", stream.PauseEvidence);
        Assert.Equal(0, receiver.Count);
    }

    [Fact]
    public async Task Attempt_TlsFails_IsRecordedByItsName()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        // Plain HTTP answers where TLS is expected.
        var (application, endpoint) = await platform.AddEndpointAsync(new UriBuilder(receiver.Url) { Scheme = "https", Host = IPAddress.Loopback.ToString() }.Uri);
        await platform.PublishAsync(application);
        var stream = await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        Assert.Contains("tls_failed", stream.PauseEvidence);
    }
}
