using System.Diagnostics;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Staging;

namespace Webhooks.FailureDrills.Running;

/// <summary>Runs drills on drivers, several side by side.</summary>
internal static class CatalogueRun
{
    private const string BrokenOff = "the run was broken off";

    /// <param name="drills">What is run.</param>
    /// <param name="drivers">On what.</param>
    /// <param name="databases">Where the dispatcher's databases come from.</param>
    /// <param name="pace">How fast, and how many at a time.</param>
    /// <param name="began">Is told what begins.</param>
    /// <param name="ended">Is told what ended, as it does.</param>
    /// <param name="cancel">Breaks off.</param>
    public static async Task<RunOutcome> RunAsync(
        IReadOnlyList<Drill> drills, Drivers drivers, Databases databases, Pace pace, Action<Drill, string> began, Action<DrillResult> ended, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var results = new Dictionary<(Drill, string), DrillResult>();
        // Long ones first, or the last of them would run alone at the end.
        var pairs = drills.SelectMany(drill => drivers.All.Select(driver => (drill, driver))).OrderByDescending(pair => pair.drill.Budget).ToList();
        try
        {
            await Parallel.ForEachAsync(pairs, new ParallelOptions { MaxDegreeOfParallelism = pace.Parallel, CancellationToken = cancel }, async (pair, token) =>
            {
                began(pair.drill, pair.driver.Name);
                var result = await new DrillRun(pair.drill, pair.driver, databases, pace).RunAsync(token);
                lock (results) results[(pair.drill, pair.driver.Name)] = result;
                ended(result);
            });
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            // What had ended by then is told all the same: it may be why somebody broke off.
        }

        return new RunOutcome(
            [.. drills.SelectMany(drill => drivers.All.Select(driver => results.GetValueOrDefault((drill, driver.Name)) ?? NotRun(drill, driver.Name, BrokenOff))
                .Concat(drivers.Missing.Select(missing => NotRun(drill, missing.Key, missing.Value))))],
            [.. drivers.Missing.Select(missing => $"not run with {missing.Key}: {missing.Value}"), .. results.Count < pairs.Count ? [BrokenOff] : (string[])[]], clock.Elapsed);
    }

    private static DrillResult NotRun(Drill drill, string driver, string why) => new(drill, driver, Verdict.NotRun) { Reason = why };
}
