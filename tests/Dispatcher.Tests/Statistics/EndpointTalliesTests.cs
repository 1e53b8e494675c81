using System.Text.Json;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher.Sending;
using Webhooks.Dispatcher.Statistics;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Statistics;

public class EndpointTalliesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Take_AfterManyMinutes_GivesEachMinuteOfEachEndpointOnce()
    {
        var tallies = New();
        tallies.Attempted(1, Attempt(Noon.AddSeconds(59), TimeSpan.FromMilliseconds(900)));
        // It ends in the next minute.
        tallies.Attempted(1, Attempt(Noon.AddSeconds(59), TimeSpan.FromMilliseconds(1100)));
        tallies.Attempted(1, Attempt(Noon.AddSeconds(61), TimeSpan.FromSeconds(5), AttemptOutcome.TimedOut));
        // Late: it is counted where counting is.
        tallies.Attempted(1, Attempt(Noon.AddSeconds(2), TimeSpan.FromMilliseconds(1), AttemptOutcome.HttpError));
        tallies.Attempted(2, Attempt(Noon, TimeSpan.FromMilliseconds(1)));
        var taken = tallies.Take().OrderBy(one => (one.Endpoint, one.Minute)).ToList();
        Assert.Equal(
            [
                (1, Noon, """{"delivered":1}""", 900_000),
                (1, Noon.AddMinutes(1), """{"delivered":1,"http_error":1,"timed_out":1}""", 5_000_000),
                (2, Noon, """{"delivered":1}""", 1_000),
            ],
            taken.Select(one => (one.Endpoint, one.Minute, one.Attempts, one.Longest)));
        Assert.Empty(tallies.Take());
        // Nothing is kept of one of which nothing was; it can begin anew.
        tallies.Attempted(1, Attempt(Noon, TimeSpan.FromMilliseconds(1)));
        Assert.Single(tallies.Take());
    }

    [Fact]
    public void Attempted_EveryOutcomeAndEverySettlement_IsCountedUnderItsWord()
    {
        var tallies = New();
        foreach (var outcome in Enum.GetValues<AttemptOutcome>()) tallies.Attempted(1, Attempt(Noon, TimeSpan.FromMilliseconds(1), outcome));
        string[] words = ["delivered", "taken_from_feed", "skipped", "expired", "rewound", "void", "deferred", "exhausted", "replayed"];
        foreach (var word in words) tallies.Settled(1, word, 2);
        var taken = tallies.Take();
        Assert.Equal(Enum.GetValues<AttemptOutcome>().Select(outcome => outcome.Word()), taken.SelectMany(one => Words(one.Attempts)));
        Assert.Equal(words, taken.SelectMany(one => Words(one.Settled)));
    }

    [Fact]
    public async Task Take_WhileOthersCount_LosesNothingAndCountsNothingTwice()
    {
        var tallies = New();
        const int Counters = 4, Each = 50_000;
        var taken = new List<TalliedMinute>();
        var counting = Task.WhenAll(Enumerable.Range(0, Counters).Select(counter => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++) tallies.Attempted(i % 7, Attempt(Noon.AddSeconds(i / 100), TimeSpan.FromMilliseconds(1)));
        })));
        while (!counting.IsCompleted) taken.AddRange(tallies.Take());
        await counting;
        taken.AddRange(tallies.Take());
        Assert.Equal(Counters * Each, taken.Sum(one => JsonDocument.Parse(one.Attempts).RootElement.GetProperty("delivered").GetInt64()));
        Assert.Equal(Counters * Each, taken.Sum(one => one.Latency.Sum(bucket => bucket & ((1L << 40) - 1))));
    }

    [Fact]
    public void Attempted_MoreEndpointsThanThereIsRoomFor_AreNotCountedAndThatIsTold()
    {
        var tallies = New(3);
        for (var i = 0; i < 5; i++) tallies.Attempted(i, Attempt(Noon, TimeSpan.FromMilliseconds(1)));
        tallies.Attempted(0, Attempt(Noon, TimeSpan.FromMilliseconds(1)));
        Assert.Equal((3, 2, 0), (tallies.Take().Count, tallies.TakeUncounted(), tallies.TakeUncounted()));
        tallies.Take();
        tallies.Attempted(4, Attempt(Noon, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(4, Assert.Single(tallies.Take()).Endpoint);
    }

    /// <summary>It is on the way of every attempt.</summary>
    [Fact]
    public void Attempted_OnAnEndpointThatIsKnown_AllocatesNothing()
    {
        var tallies = New();
        var attempt = Attempt(Noon, TimeSpan.FromMilliseconds(1));
        void Count()
        {
            tallies.Attempted(1, attempt);
            tallies.Settled(1, "delivered", 1);
        }

        for (var i = 0; i < 100; i++) Count();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++) Count();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    private static EndpointTallies New(int endpoints = 1000)
    {
        var options = new WebhookDispatcherOptions();
        options.Statistics.MaxEndpoints = endpoints;
        return new EndpointTallies(new DatabaseClock(new ManualTimeProvider()), Options.Create(options));
    }

    private static AttemptResult Attempt(DateTimeOffset at, TimeSpan duration, AttemptOutcome outcome = AttemptOutcome.Delivered) =>
        new(outcome) { StartedAt = at, Duration = duration };

    private static IEnumerable<string> Words(string json) => JsonDocument.Parse(json).RootElement.EnumerateObject().Select(one => one.Name);
}
