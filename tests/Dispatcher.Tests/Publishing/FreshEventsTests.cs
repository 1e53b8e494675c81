using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Tests.Publishing;

/// <summary>What was just published is kept in memory, and no more of it than is allowed.</summary>
public class FreshEventsTests
{
    // As much as is counted for an event of 750 bytes.
    private const int EventBytes = 1000;

    [Fact]
    public void Add_AllInOneBucket_MayUseAllThereIs()
    {
        var fresh = Keep(100 * EventBytes);
        Add(fresh, 3, 1, 100);
        Assert.Equal(100, Found(fresh, 3, 1, 100));
        // The oldest go first, a bucket that has little keeps it, and all together are no more than that.
        Add(fresh, 4, 1, 10);
        Assert.Equal((90, 0, 10), (Found(fresh, 3, 1, 100), Found(fresh, 3, 1, 10), Found(fresh, 4, 1, 10)));
        Add(fresh, 5, 1, 500);
        Assert.Equal(100, Found(fresh, 3, 1, 100) + Found(fresh, 4, 1, 10) + Found(fresh, 5, 1, 500));
        Assert.True(Found(fresh, 4, 1, 10) > 0);
    }

    [Fact]
    public void Find_SomeAreNotAtHand_GivesTheOthersWithTheirNumbers()
    {
        var fresh = Keep(100 * EventBytes);
        Add(fresh, 3, 5, 8);
        fresh.Forget(3, 6);
        Assert.Equal([103L, 105, 106], fresh.Find(3, [3, 4, 5, 6, 7, 8, 9], 101).ConvertAll(item => item.Seq));
    }

    [Fact]
    public void Forget_All_KeepsWhatComesLateOut()
    {
        var fresh = Keep(100 * EventBytes);
        Add(fresh, 3, 1, 5);
        var before = fresh.Generation;
        fresh.Forget();
        fresh.Add(before, 3, [(6, Event())]);
        Assert.Equal(0, Found(fresh, 3, 1, 6));
        Add(fresh, 3, 7, 7);
        Assert.Equal(1, Found(fresh, 3, 1, 7));
    }

    /// <summary>An event that was rolled back is never asked for. Behind it, the places of those that were numbered and forgotten stayed, for ever.</summary>
    [Fact]
    public void Add_BehindOneThatIsNeverNumbered_TakesNoMemoryForWhatWasForgotten()
    {
        var fresh = Keep(100 * EventBytes);
        Add(fresh, 3, 0, 0);
        var shared = Event();
        for (var position = 1L; position <= 100_000; position++)
        {
            fresh.Add(fresh.Generation, 3, [(position, shared)]);
            fresh.Forget(3, position);
        }

        Assert.InRange(fresh.Places, 1, 2000);
        Assert.Equal(1, Found(fresh, 3, 0, 0));
    }

    private static FreshEvents Keep(long bytes) => new(Options.Create(new WebhookDispatcherOptions { Publishing = { FreshBytes = bytes } }));

    private static FreshEvent Event() => new(Guid.NewGuid(), "a", DateTimeOffset.UtcNow, new byte[EventBytes - 250]);

    private static void Add(FreshEvents fresh, short bucket, long first, long last)
    {
        for (var position = first; position <= last; position++) fresh.Add(fresh.Generation, bucket, [(position, Event())]);
    }

    private static int Found(FreshEvents fresh, short bucket, int first, int last) =>
        fresh.Find(bucket, [.. Enumerable.Range(first, last - first + 1).Select(position => (long)position)], 1).Count;
}
