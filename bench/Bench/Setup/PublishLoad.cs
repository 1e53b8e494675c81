using System.Diagnostics;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Setup;

/// <summary>Publishes as fast as it goes.</summary>
internal static class PublishLoad
{
    private const int Publishers = 256;
    private const int Writers = 4;
    private const int EventsInTransaction = 1000;

    /// <summary>Single publishes, many at once, that share commits. Gives the time from the first to where the last commit has returned.</summary>
    public static async Task<TimeSpan> InGroupAsync(BenchPlatform platform, int count, Func<int, EventToPublish> eventOf, CancellationToken cancel)
    {
        var next = -1;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Math.Min(Publishers, count)).Select(_ => Task.Run(async () =>
        {
            for (var n = Interlocked.Increment(ref next); n < count; n = Interlocked.Increment(ref next)) await platform.Publisher.PublishAsync(eventOf(n), cancel);
        }, cancel)));
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Transactions of a thousand events, a few side by side: the fastest way to store many.</summary>
    public static async Task InBulkAsync(BenchPlatform platform, int count, Func<int, EventToPublish> eventOf, CancellationToken cancel)
    {
        var next = -EventsInTransaction;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var first = Interlocked.Add(ref next, EventsInTransaction); first < count; first = Interlocked.Add(ref next, EventsInTransaction))
                await AtOnceAsync(platform, first, Math.Min(EventsInTransaction, count - first), eventOf, cancel);
        }, cancel)));
    }

    /// <summary>All in one transaction. Gives the timestamp at which its commit began.</summary>
    public static async Task<long> AtOnceAsync(BenchPlatform platform, int first, int count, Func<int, EventToPublish> eventOf, CancellationToken cancel)
    {
        long committing;
        await using (var connection = await platform.Data.OpenConnectionAsync(cancel))
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            foreach (var some in Enumerable.Range(first, count).Chunk(EventsInTransaction))
                await platform.Publisher.PublishAsync([.. some.Select(eventOf)], transaction, cancel);
            committing = Stopwatch.GetTimestamp();
            await transaction.CommitAsync(cancel);
        }

        await platform.Publisher.WakeAsync(cancel);
        return committing;
    }
}
