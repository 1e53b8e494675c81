using Webhooks.Dispatcher.Retention;

namespace Webhooks.Dispatcher.Tests.Retention;

/// <summary>Lets years pass for a platform's maintenance; everything else goes by the real clocks.</summary>
internal sealed class Years(Platform platform)
{
    public const string Writers = "may still publish";

    public static readonly TimeSpan Keep = TimeSpan.FromDays(30);
    public static readonly TimeSpan Period = TimeSpan.FromDays(3);

    // In whole microseconds, as the database keeps times.
    public DateTimeOffset Now { get; set; } = new(DateTimeOffset.UtcNow.Ticks / 10 * 10, TimeSpan.Zero);

    /// <summary>A round at this time, begun again for as long as it waits for transactions of other tests: ids are the whole server's.</summary>
    public async Task<MaintenanceRound> RoundAsync()
    {
        var total = new MaintenanceRound();
        await Platform.UntilAsync(async () =>
        {
            var round = await RoundOnceAsync();
            total = round with
            {
                Created = total.Created + round.Created, Begun = total.Begun + round.Begun, Dropped = total.Dropped + round.Dropped, Warned = total.Warned + round.Warned,
            };
            return round.Waiting?.Contains(Writers, StringComparison.Ordinal) != true;
        }, "nobody can write into an old period any more", seconds: 60);
        return total;
    }

    /// <summary>A round at this time, whatever it comes to.</summary>
    public async Task<MaintenanceRound> RoundOnceAsync()
    {
        while (true)
        {
            // The platform's own worker may just be at it.
            var round = await platform.Get<Maintenance>().RunOnceAsync(Now, default);
            if (!round.Elsewhere) return round;
        }
    }

    /// <summary>Lets a time pass, and does a round at its end.</summary>
    public Task<MaintenanceRound> PassAsync(TimeSpan time)
    {
        Now += time;
        return RoundAsync();
    }

    /// <summary>The next period comes into force.</summary>
    public async Task NextPeriodAsync()
    {
        await RoundAsync();
        Assert.Equal(1, (await PassAsync(Period)).Begun);
    }

    /// <summary>Rounds until this many periods were dropped.</summary>
    public async Task DropAsync(int periods)
    {
        for (var tries = 0; periods > 0; tries++)
        {
            Assert.True(tries < 20, "Nothing more is dropped.");
            periods -= (await PassAsync(TimeSpan.FromHours(1))).Dropped;
        }
    }

    public Task<List<int>> PeriodsAsync() => platform.ListAsync<int>("SELECT period FROM webhooks.period ORDER BY period");

    public Task<List<string>> PartitionsAsync(string table) => platform.ListAsync<string>(
        $"SELECT relname::text FROM pg_class WHERE relname LIKE '{table}\\_p%' AND relkind = 'r' AND relnamespace = 'webhooks'::regnamespace ORDER BY length(relname), relname");
}
