using System.Collections.Concurrent;
using System.Globalization;
using Spectre.Console;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Running;

namespace Webhooks.FailureDrills.Reporting;

/// <summary>Tells a run while it goes on: in a terminal as a table that changes, elsewhere a line for each drill that ended.</summary>
internal sealed class LiveView(int expected)
{
    private readonly ConcurrentDictionary<(string Drill, string Driver), DateTimeOffset> _running = new();
    private readonly ConcurrentDictionary<(string Driver, Verdict Verdict), int> _counts = new();
    private int _ended;

    public void Began(Drill drill, string driver) => _running[(drill.Name, driver)] = DateTimeOffset.UtcNow;

    public void Ended(DrillResult result)
    {
        _running.TryRemove((result.Drill.Name, result.Driver), out _);
        _counts.AddOrUpdate((result.Driver, result.Verdict), 1, (_, count) => count + 1);
        Interlocked.Increment(ref _ended);
        lock (_counts)
        {
            if (Console.IsOutputRedirected) Console.WriteLine(TextReport.Line(result));
        }
    }

    public async Task<T> ShowAsync<T>(Task<T> run)
    {
        if (Console.IsOutputRedirected) return await run;
        await AnsiConsole.Live(Table()).AutoClear(true).StartAsync(async live =>
        {
            while (await Task.WhenAny(run, Task.Delay(TimeSpan.FromMilliseconds(250))) != run) live.UpdateTarget(Table());
        });
        return await run;
    }

    private Table Table()
    {
        var table = new Table().Title(string.Create(CultureInfo.InvariantCulture, $"{_ended} of {expected}")).AddColumns("now", "driver", "for");
        foreach (var (one, since) in _running.OrderBy(pair => pair.Value))
            table.AddRow(one.Drill, one.Driver, string.Create(CultureInfo.InvariantCulture, $"{(DateTimeOffset.UtcNow - since).TotalSeconds:F0} s"));
        return table.Caption(string.Join("   ", _counts.GroupBy(pair => pair.Key.Driver).OrderBy(driver => driver.Key).Select(driver =>
            $"{driver.Key}: {string.Join(", ", driver.OrderBy(pair => pair.Key.Verdict).Select(pair => $"{pair.Value} {TextReport.Word(pair.Key.Verdict)}"))}")));
    }
}
