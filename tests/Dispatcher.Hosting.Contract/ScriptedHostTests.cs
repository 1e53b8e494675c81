using Webhooks.Dispatcher.Hosting.Jobs;
using Webhooks.Testing;
using Webhooks.Tests.Shared;

namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>A host whose jobs come as they please.</summary>
public class ScriptedHostTests : HostingContract
{
    private static int _seed = 20_261_121;

    protected override Task<IHostUnderTest> CreateAsync(string connectionString) => Task.FromResult<IHostUnderTest>(new ScriptedQueue(Interlocked.Increment(ref _seed)));

    /// <summary>The same job, fetched by eight workers at the same moment.</summary>
    [Fact]
    public async Task Job_RunManyTimesAtOnce_OnlyOneSends()
    {
        await using var receiver = await ScriptedReceiver.StartAsync();
        receiver.Respond(_ => ScriptedAnswer.NoContent with { DelayBefore = TimeSpan.FromMilliseconds(5) });
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var platform = await ContractPlatform.StartAsync(database, new SilentHost());
        var (application, endpoint) = await platform.AddEndpointAsync(receiver.Url);
        await platform.PublishAsync(application, 30);
        var host = (JobHost)platform.Get<IDispatcherHost>();
        using var stop = new CancellationTokenSource();
        var listeners = await Listeners.ReadAsync(database);
        var running = host.RunAsync(stop.Token);
        await ContractPlatform.UntilAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint)).Head == 30, "all is numbered");
        // What is drained while it begins to listen is handed back half done, and this host has no other job made.
        await Listeners.WaitForNewAsync(database, listeners);
        var ends = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.DrainAsync(endpoint, CancellationToken.None)));
        Assert.Single(ends, end => end != DrainEnd.NotTaken);
        await platform.SettledAsync(endpoint, 30);
        Assert.Equal(Enumerable.Range(1, 30).Select(seq => (long)seq), receiver.Requests.Select(ContractPlatform.Seq));
        await stop.CancelAsync();
        await running;
    }

    /// <summary>While a job waits in the queue or an endpoint has nothing to do, no further jobs are made.</summary>
    [Fact]
    public async Task Job_WaitsInTheQueue_NoSecondIsMade()
    {
        var silent = new SilentHost();
        var database = await SharedPostgres.CreateDatabaseAsync();
        await using var platform = await ContractPlatform.StartAsync(database, silent);
        var host = (JobHost)platform.Get<IDispatcherHost>();
        using var stop = new CancellationTokenSource();
        var running = host.RunAsync(stop.Token);
        var (application, endpoint) = await platform.AddEndpointAsync(new Uri("http://127.0.0.1:9/"));
        for (var i = 1; i <= 20; i++)
        {
            await platform.PublishAsync(application);
            await ContractPlatform.UntilAsync(async () => (await platform.Endpoints.GetStreamAsync(endpoint)).Head == i, "it is numbered");
        }

        Assert.Equal(1, silent.Made);
        await stop.CancelAsync();
        await running;
    }
}
