using Webhooks.Dispatcher.Statistics;

namespace Webhooks.Dispatcher.Tests.Statistics;

public class StatisticsRangeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 34, 56, TimeSpan.Zero);

    [Fact]
    public void Range_OfNothing_IsTheLastHourOrDayWithWhatIsGoingOn()
    {
        Assert.Equal("2026-11-21 11:35:00Z 2026-11-21 12:35:00Z", Shown(new()));
        Assert.Equal("2026-11-20 13:00:00Z 2026-11-21 13:00:00Z", Shown(new() { By = StatisticsSpan.Hour }));
        // Whole minutes, and in UTC whatever was given.
        var from = new DateTimeOffset(2026, 11, 21, 10, 0, 59, TimeSpan.FromHours(2));
        var query = new StatisticsQuery { From = from, To = new DateTimeOffset(2026, 11, 21, 8, 3, 0, TimeSpan.Zero) };
        Assert.Equal("2026-11-21 08:00:00Z 2026-11-21 08:03:00Z", Shown(query));
    }

    [Fact]
    public void Range_ThatEndsBeforeItBeginsOrIsTooLong_IsRefused()
    {
        foreach (var query in new StatisticsQuery[]
        {
            new() { From = Now.AddMinutes(5) },
            new() { From = Now, To = Now.AddHours(-1) },
            new() { From = Now.AddMinutes(-StatisticsRange.Most) },
            new() { From = Now.AddHours(-StatisticsRange.Most), By = StatisticsSpan.Hour },
        })
        {
            Assert.Equal(["from"], Assert.Throws<WebhookValidationException>(() => StatisticsRange.Of(query, Now)).Errors.Keys);
        }

        var most = StatisticsRange.Of(new() { From = Now.AddMinutes(1 - StatisticsRange.Most) }, Now);
        Assert.Equal(StatisticsRange.Most, (most.To - most.From) / most.Span);
    }

    private static string Shown(StatisticsQuery query) => StatisticsRange.Of(query, Now) is var range ? $"{range.From:u} {range.To:u}" : "";
}
