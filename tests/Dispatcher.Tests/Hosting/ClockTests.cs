using Microsoft.Extensions.DependencyInjection;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Hosting;

/// <summary>Issue 3, point 5: a node whose own clock is wrong signs right timestamps, waits as long as it should, and holds its leases against one that is right.</summary>
public class ClockTests
{
    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task Node_ClockTenMinutesOff_SignsWaitsAndHoldsByTheDatabases(int minutes)
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var wrong = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(6), services: services => services.AddSingleton<TimeProvider>(new ShiftedClock(TimeSpan.FromMinutes(minutes))));
        var (application, endpoint) = await wrong.AddEndpointAsync(receiver.Url);
        // Asked to come again at a time of day; and then kept waiting while another node looks for work and the lease is renewed.
        var renewed = new TaskCompletionSource();
        receiver.Respond(request => request.Number switch
        {
            1 => ScriptedAnswer.Of(503).WithHeader("Retry-After", DateTimeOffset.UtcNow.AddSeconds(3).ToString("R")),
            2 => ScriptedAnswer.NoContent with { After = renewed.Task },
            _ => ScriptedAnswer.NoContent,
        });
        await wrong.PublishAsync(application);
        await receiver.WaitForAsync(2, TimeSpan.FromSeconds(60));
        await using var right = await Platform.StartAsync(options => options.Delivery.LeaseDuration = TimeSpan.FromSeconds(6), wrong.ConnectionString);
        var soon = await wrong.ScalarAsync<DateTime>("SELECT max(expires_at) + interval '1 s' FROM webhooks.node");
        await Platform.UntilAsync(
            async () => await wrong.ScalarAsync<long>($"SELECT count(*) FROM webhooks.node WHERE expires_at > '{soon:O}'") == 2, "both have renewed their leases");
        renewed.SetResult();
        await wrong.Endpoints.RotateSecretAsync(endpoint.Id, TimeSpan.FromHours(1));
        for (var i = 0; i < 10; i++) await wrong.PublishAsync(application);
        await wrong.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 11);

        var requests = receiver.Requests;
        Assert.Equal([1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], requests.Select(Wire.Seq));
        Assert.InRange(requests[1].ArrivedAt - requests[0].ArrivedAt, TimeSpan.FromSeconds(1.9), TimeSpan.FromSeconds(60));
        // Within the tolerance of any receiver, and the old secret signs beside the new one until its overlap ends.
        Assert.All(requests, request =>
        {
            Assert.True(request.Verify(endpoint.Secret).IsValid);
            var signedAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(request.Header("webhook-timestamp")!, System.Globalization.CultureInfo.InvariantCulture));
            Assert.InRange((request.ArrivedAt - signedAt).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(60));
        });
    }
}
