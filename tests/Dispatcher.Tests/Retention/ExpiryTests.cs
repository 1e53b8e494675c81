using System.Net;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Retention;

/// <summary>Promise 5: a pause holds for the retention time, and says so before that ends.</summary>
public class ExpiryTests
{
    [Fact]
    public async Task Paused_BeyondRetention_IsWarnedOfTwiceThenExpiredAndGoesOnAtTheFloor()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 1);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 3; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 4);
        await years.NextPeriodAsync();
        var ended = years.Now;
        for (var i = 0; i < 2; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 6);

        years.Now = ended + (Years.Keep * 0.74);
        Assert.Equal(0, (await years.RoundAsync()).Warned);
        years.Now = ended + (Years.Keep * 0.75);
        Assert.Equal(1, (await years.RoundAsync()).Warned);
        Assert.Equal(0, (await years.PassAsync(TimeSpan.FromDays(1))).Warned);
        years.Now = ended + (Years.Keep * 0.95);
        Assert.Equal(1, (await years.RoundAsync()).Warned);
        Assert.Equal(0, (await years.PassAsync(TimeSpan.FromHours(23))).Warned);
        Assert.Equal(["75: 2-4", "95: 2-4"], await platform.ListAsync<string>(
            "SELECT (data->>'percent') || ': ' || (data->>'from') || '-' || (data->>'to') FROM webhooks.operational_event WHERE type = 'stream.expiring' ORDER BY operational_event"));
        var said = await platform.ScalarAsync<DateTime>("SELECT max((data->>'expires_at')::timestamptz) FROM webhooks.operational_event WHERE type = 'stream.expiring'");
        Assert.Equal(ended + Years.Keep, said, TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, (await platform.Endpoints.GetStreamAsync(endpoint.Id)).Cursor);

        years.Now = ended + Years.Keep;
        await years.DropAsync(1);
        Assert.Equal(["2-4 dispatcher"], await platform.ListAsync<string>(
            "SELECT (data->>'from') || '-' || (data->>'to') || ' ' || actor FROM webhooks.operational_event WHERE type = 'stream.range_expired'"));
        Assert.Equal(["2-4"], await platform.ListAsync<string>("SELECT first_seq || '-' || last_seq FROM webhooks.settlement WHERE outcome = 'expired'"));
        var stream = await platform.Endpoints.GetStreamAsync(endpoint.Id);
        Assert.Equal((5, 4, 6, EndpointStatus.Paused), (stream.Floor, stream.Cursor, stream.Head, stream.Status));
        using var feed = new FeedClient(platform, endpoint.Id, endpoint.Secret);
        Assert.Equal((HttpStatusCode.Gone, "range_expired"), await feed.ReadAsync(1) is var gone ? (gone.Status, gone.Code) : default);
        Assert.Equal<long[]>([5, 6], (await feed.ReadAsync(4)).Seqs);
        await platform.Endpoints.ResumeAsync(endpoint.Id);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 6);
        Assert.Equal([1, 5, 6], receiver.Requests.Select(Wire.Seq));
    }

    /// <summary>Another pause is another story; what was settled is none.</summary>
    [Fact]
    public async Task Paused_ResumedAndPausedAgain_IsWarnedOfAgainOnlyForWhatIsHeld()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        await using var platform = await Platform.StartAsync();
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url, new EndpointSettings("") { FailureThreshold = 100 });
        await platform.Endpoints.PauseAsync(endpoint.Id);
        for (var i = 0; i < 2; i++) await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 2);
        await years.NextPeriodAsync();
        years.Now += Years.Keep * 0.8;
        Assert.Equal(1, (await years.RoundAsync()).Warned);
        await platform.Endpoints.ResumeAsync(endpoint.Id, after: 1);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Cursor == 2);
        Assert.Equal(0, (await years.PassAsync(TimeSpan.FromDays(1))).Warned);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        Assert.Equal(0, (await years.PassAsync(TimeSpan.FromDays(1))).Warned);
        // Nothing is delivered any more, so that the second pause holds both.
        receiver.Respond(_ => ScriptedAnswer.Of(500));
        await platform.Endpoints.ResumeAsync(endpoint.Id, after: 0);
        await platform.Endpoints.PauseAsync(endpoint.Id);
        Assert.Equal(1, (await years.PassAsync(TimeSpan.FromDays(1))).Warned);
    }

    [Fact]
    public async Task Deleted_BeyondRetention_NothingIsSaidOfIt()
    {
        await using var platform = await Platform.StartAsync();
        var years = new Years(platform);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        await platform.Endpoints.PauseAsync(endpoint.Id);
        await platform.PublishAsync(application);
        await platform.WaitForStreamAsync(endpoint.Id, stream => stream.Head == 1);
        await platform.Endpoints.DeleteAsync(endpoint.Id);
        await years.NextPeriodAsync();
        years.Now += Years.Keep;
        await years.DropAsync(1);
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.operational_event WHERE type LIKE 'stream.%'"));
        Assert.Equal(0, await platform.ScalarAsync<long>("SELECT count(*) FROM webhooks.settlement"));
    }
}
