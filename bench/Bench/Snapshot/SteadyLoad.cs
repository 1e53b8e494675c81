using System.Diagnostics;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Snapshot;

/// <summary>What is published.</summary>
internal sealed record Load(int Rate, int Endpoints, double RollbackShare);

/// <summary>An event that was published, and when its commit had returned.</summary>
internal readonly record struct Published(int N, long Committed);

/// <summary>Publishes at a steady rate, by group commit, with some transactions beside it that roll back.</summary>
internal sealed class SteadyLoad
{
    private readonly BenchPlatform _platform;
    private readonly WebhookApplicationId[] _applications;
    private readonly Load _load;
    private double _rollbacks;

    private SteadyLoad(BenchPlatform platform, WebhookApplicationId[] applications, Load load) => (_platform, _applications, _load) = (platform, applications, load);

    /// <summary>How many events were published and stayed.</summary>
    public int Count { get; private set; }

    public static async Task<SteadyLoad> StartAsync(BenchPlatform platform, SinkProcess sink, Load load, TimeSpan total, CancellationToken cancel)
    {
        await sink.ResetAsync(load.Endpoints, (int)(load.Rate * total.TotalSeconds), cancel);
        return new SteadyLoad(platform, await platform.AddApplicationsAsync(sink.Urls(load.Endpoints), cancel), load);
    }

    public async Task<IReadOnlyList<Published>> RunAsync(TimeSpan length, CancellationToken cancel)
    {
        var first = Count;
        Count += (int)(_load.Rate * length.TotalSeconds);
        var published = new Published[Count - first];
        var begun = await Schedule.RunAsync(published.Length, TimeSpan.FromSeconds(1.0 / _load.Rate), async (i, _) =>
        {
            var rollBack = (_rollbacks += _load.RollbackShare) >= 1;
            if (rollBack) _rollbacks -= 1;
            await _platform.Publisher.PublishAsync(Event(first + i), cancel);
            published[i] = new Published(first + i, Stopwatch.GetTimestamp());
            if (rollBack) await RollBackAsync(first + i, cancel);
        }, cancel);
        await Task.WhenAll(begun);
        return published;
    }

    private EventToPublish Event(int n) => new(_applications[n % _applications.Length], Payload.EventType, Payload.Data(n));

    private async Task RollBackAsync(int n, CancellationToken cancel)
    {
        await using var connection = await _platform.Data.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await _platform.Publisher.PublishAsync(Event(n), transaction, cancel);
        await transaction.RollbackAsync(cancel);
    }
}
