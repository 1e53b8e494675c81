using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Hosting;

public class HealthAndMetricsTests
{
    [Fact]
    public async Task Health_DatabaseAway_IsUnhealthyUntilItIsBack()
    {
        await using var server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { Durable = false });
        await using var platform = await Platform.StartAsync(connectionString: await server.CreateDatabaseAsync());
        using var http = new HttpClient { BaseAddress = platform.Url };
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await HealthAsync(http));
        await server.StopAsync();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), await HealthAsync(http));
        await server.StartAgainAsync();
        await Platform.UntilAsync(async () => await HealthAsync(http) == (HttpStatusCode.OK, "Healthy"), "it is healthy again");

        // With the database gone for good, stopping ends all the same.
        await server.StopAsync(ShutdownMode.Immediate);
        await platform.StopAsync(TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Health_ClockOff_IsDegraded()
    {
        var clock = new ShiftedClock(TimeSpan.FromMinutes(10));
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync(services: services => services.AddSingleton<TimeProvider>(clock));
        using var http = new HttpClient { BaseAddress = platform.Url };
        Assert.Equal((HttpStatusCode.OK, "Degraded"), await HealthAsync(http));

        // And still it signs with the database's time, which receivers accept.
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        Assert.True((await receiver.WaitForAsync(1))[0].Verify(endpoint.Secret).IsValid);
    }

    [Fact]
    public async Task Metrics_OfADelivery_AreThere()
    {
        var seen = new ConcurrentDictionary<string, double>();
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Enqueue(ScriptedAnswer.Of(410));
        await using var platform = await Platform.StartAsync();
        using var listener = new MeterListener();
        var factory = platform.Get<IMeterFactory>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Webhooks.Dispatcher" && instrument.Meter.Scope == factory) self.EnableMeasurementEvents(instrument);
        };
        void Count(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var key = instrument.Name["webhooks.dispatcher.".Length..] + string.Concat(tags.ToArray().Select(tag => $" {tag.Key}={tag.Value}"));
            seen.AddOrUpdate(key, value, (_, sum) => sum + value);
        }

        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.Start();

        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { EventTypes = ["order.*"] });
        await platform.PublishAsync(application);
        await platform.PublishAsync(application, type: "unheard");
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Status == EndpointStatus.Paused);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        using (var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret)) await feed.ReadAsync(0);
        foreach (var (key, value) in new[]
        {
            ("published", 2d), ("sequenced", 2), ("deliveries", 1), ("verdicts verdict=unmatched", 1), ("attempts outcome=gone", 1), ("attempts outcome=delivered", 1),
            ("paused reason=gone", 1), ("resumed", 1), ("feed.events", 1), ("settled", 1),
        })
        {
            await Platform.UntilAsync(() => Task.FromResult(seen.GetValueOrDefault(key) == value), $"{key} is {value}; there are {string.Join(", ", seen)}");
        }

        Assert.Contains("attempt.duration outcome=delivered", seen.Keys);
    }

    private static async Task<(HttpStatusCode Status, string Text)> HealthAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("/health");
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
