using System.Diagnostics;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Isolation;

/// <summary>Milliseconds from the appointed time to the receipt, of the endpoints that answer.</summary>
/// <param name="SteadyP99">Of the events after the first three seconds: requests that hang hold places among the quick ones until they count as slow.</param>
internal sealed record Latencies(double P50, double P99, double SteadyP99);

/// <summary>
/// The endpoints that are looked at, the one beside them that stops answering, and others that stop with it. After each stage all answer again, and
/// what they held is delivered before the next begins: so the ledger balances to the last event.
/// </summary>
internal sealed class IsolationRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Onset = TimeSpan.FromSeconds(3);

    private readonly SinkProcess _sink;
    private readonly IsolationPlan _plan;
    private readonly WebhookApplicationId[] _applications;
    private readonly CreatedEndpoint[] _holes;
    private readonly long[] _scheduled;
    private readonly int[] _endpointOf;
    private int _next;

    private IsolationRun(Stage stage, SinkProcess sink, IsolationPlan plan, WebhookApplicationId[] applications, CreatedEndpoint[] holes, int most)
    {
        (Stage, _sink, _plan, _applications, _holes) = (stage, sink, plan, applications, holes);
        (_scheduled, _endpointOf) = (new long[most], new int[most]);
    }

    public Stage Stage { get; }

    // The last of them is the first that stops answering.
    private int Healthy => _plan.Endpoints - 1;

    public static async Task<IsolationRun> StartAsync(BenchServer server, SinkProcess sink, int[] holes, IsolationPlan plan, int rounds, CancellationToken cancel)
    {
        var connectionString = await server.CreateDatabaseAsync(cancel);
        var all = plan.Endpoints - 1 + holes.Max();
        WebhookApplicationId[] applications;
        var created = new CreatedEndpoint[holes.Max()];
        await using (var setup = await BenchPlatform.StartWithoutWorkerAsync(connectionString, cancel))
        {
            applications = [.. await setup.AddApplicationsAsync(sink.Urls(plan.Endpoints - 1), cancel), .. await setup.AddApplicationsAsync(created.Length, cancel)];
            await Parallel.ForAsync(0, created.Length, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (i, token) =>
                created[i] = await setup.AddEndpointAsync(applications[plan.Endpoints - 1 + i], sink.Url(plan.Endpoints - 1 + i), token));
        }

        var most = plan.EventsOfEndpoint * (plan.Endpoints + (rounds * holes.Sum(count => (2 * plan.Endpoints) - 1 + count)));
        await sink.ResetAsync(all, most, cancel);
        return new IsolationRun(await Stage.StartAsync(server, sink, new NodeSettings(connectionString), 1, cancel), sink, plan, applications, created, most);
    }

    /// <summary>Publishes to those that are looked at and to one more, or as many more as do not answer, at their rate.</summary>
    public async Task<Latencies> StageAsync(int holes, CancellationToken cancel)
    {
        foreach (var hole in _holes.Take(holes).Select((endpoint, i) => (endpoint, i)))
            await Stage.Platform.Endpoints.UpdateAsync(hole.endpoint.Id, new EndpointSettings(_sink.UrlWithoutAnswer(hole.i).ToString()), cancel);
        var targets = Healthy + Math.Max(1, holes);
        var (first, count) = (_next, _plan.EventsOfEndpoint * targets);
        _next += count;
        var rate = _plan.Rate * (targets / (double)_plan.Endpoints);
        var published = await Schedule.RunAsync(count, TimeSpan.FromSeconds(1 / rate), (i, due) =>
        {
            (_scheduled[first + i], _endpointOf[first + i]) = (due, i % targets);
            return Stage.Platform.Publisher.PublishAsync(new EventToPublish(_applications[i % targets], Payload.EventType, Payload.Data(first + i)), cancel);
        }, cancel);
        await Task.WhenAll(published);
        var healthy = Enumerable.Range(first, count).Where(n => _endpointOf[n] < (holes == 0 ? targets : Healthy)).ToList();
        var arrivals = await ArrivedAsync(healthy, cancel);
        await EndAsync(holes, cancel);
        var (latencies, steady) = (Of(_ => true), Of(n => Stopwatch.GetElapsedTime(_scheduled[first], _scheduled[n]) >= Onset));
        return new Latencies(latencies.Median, latencies.Percentile(0.99), steady.Percentile(0.99));

        Distribution Of(Func<int, bool> taken) => new(healthy.Where(n => _endpointOf[n] < Healthy && taken(n)).Select(n =>
            arrivals[n] == 0 ? double.PositiveInfinity : Distribution.Milliseconds(_scheduled[n], arrivals[n])));
    }

    /// <summary>Waits until everything has been delivered to everybody, and requires that it was.</summary>
    public async Task BalanceAsync(Report report, bool statements, CancellationToken cancel)
    {
        var counts = await Stage.WaitAsync("settled", counts => counts.Settled, _next, Patience, cancel);
        var (settled, arrived) = (await Stage.Platform.SettledAsync(cancel), await _sink.CountAsync(cancel));
        report.Require(settled == _next && arrived.IsInOrder(_next), $"{_next} published, {settled} settled, sink {arrived}, {counts}");
        StageCosts.Add(report, [(await Stage.FinishAsync(cancel), _next)], statements, "an event, failed attempts and all");
    }

    public ValueTask DisposeAsync() => Stage.DisposeAsync();

    // Paused and resumed, or they would wait for their next attempt; requests that still hang must time out first.
    private async Task EndAsync(int holes, CancellationToken cancel)
    {
        await Parallel.ForAsync(0, holes, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (i, token) =>
        {
            await Stage.Platform.Endpoints.PauseAsync(_holes[i].Id, token);
            await Stage.Platform.Endpoints.UpdateAsync(_holes[i].Id, new EndpointSettings(_sink.Url(Healthy + i).ToString()), token);
            await Stage.Platform.Endpoints.ResumeAsync(_holes[i].Id, cancellationToken: token);
        });
        await _sink.WaitAsync(_next, Patience, cancel);
    }

    private async Task<long[]> ArrivedAsync(List<int> healthy, CancellationToken cancel)
    {
        using var most = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        most.CancelAfter(Patience);
        while (true)
        {
            var arrivals = await _sink.ArrivalsAsync(cancel);
            if (most.IsCancellationRequested || healthy.TrueForAll(n => arrivals[n] != 0)) return arrivals;
            await Task.Delay(100, cancel);
        }
    }
}
