using System.Diagnostics;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;

namespace Webhooks.FailureDrills.Running;

/// <summary>Runs one drill on one driver: sets up, does the steps, looks, judges.</summary>
internal sealed class DrillRun(Drill drill, IStubDriver driver, Databases databases, Pace pace)
{
    // What must be seen at the end may still be on its way; what must not be seen has had its time in the steps.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8), LookAgain = TimeSpan.FromMilliseconds(50);

    public async Task<DrillResult> RunAsync(CancellationToken cancel)
    {
        var missing = drill.Needs & ~driver.Can;
        if (missing != Can.Nothing) return new DrillResult(drill, driver.Name, Verdict.NotSupported) { Reason = $"it cannot do {missing.Words()}" };
        try
        {
            return await StageAsync(cancel);
        }
        // Its stage could not be cleared: one drill's trouble, and no other's.
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            return new DrillResult(drill, driver.Name, Verdict.Failed) { Missed = [new Missed("the drill's stage can be cleared", $"{e.GetType().Name}: {e.Message}")] };
        }
    }

    private async Task<DrillResult> StageAsync(CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        using var budget = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        budget.CancelAfter(pace.Budget(drill));
        Stage? stage = null;
        try
        {
            stage = await Stage.SetUpAsync(drill, driver, databases, pace.Scale, budget.Token);
            var missed = await PlayAsync(stage);
            // A wait that somebody broke off has failed to see nothing.
            cancel.ThrowIfCancellationRequested();
            return new DrillResult(drill, driver.Name, missed.Count == 0 ? Verdict.Passed : Verdict.Failed)
            {
                Missed = missed, Took = Stopwatch.GetElapsedTime(began), Timeline = await LookBackAsync(stage, missed.Count == 0 ? DateTimeOffset.MaxValue : DateTimeOffset.UtcNow),
            };
        }
        catch (NotSupportedByDriverException e)
        {
            return new DrillResult(drill, driver.Name, Verdict.NotSupported) { Reason = e.Message, Took = Stopwatch.GetElapsedTime(began) };
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            var end = DateTimeOffset.UtcNow;
            var missed = e is OperationCanceledException
                ? new Missed($"the drill ends within {pace.Budget(drill)}", stage is null ? "its stage was not set up by then" : "a step did not")
                : new Missed("the drill can be played", $"{e.GetType().Name}: {e.Message}");
            return new DrillResult(drill, driver.Name, Verdict.Failed)
            {
                Missed = [missed], Took = Stopwatch.GetElapsedTime(began), Timeline = stage is null ? [] : await LookBackAsync(stage, end),
            };
        }
        finally
        {
            if (stage is not null) await stage.DisposeAsync();
        }
    }

    private async Task<IReadOnlyList<Missed>> PlayAsync(Stage stage)
    {
        foreach (var step in drill.Steps)
        {
            stage.Log.Add("drill", step.Words);
            try
            {
                await step.Act(stage);
            }
            catch (DrillFailedException e)
            {
                stage.Log.Add("drill", "given up");
                return [new Missed(e.Expectation, e.Observation)];
            }
        }

        return await JudgeAsync(stage);
    }

    private async Task<IReadOnlyList<Missed>> JudgeAsync(Stage stage)
    {
        Expectation[] expected = [.. drill.Expect, .. StandingPromises.Of(drill)];
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var evidence = await stage.SeeAsync(Look.All);
            var missed = expected.Select(one => (one.Words, Otherwise: one.Check(evidence))).Where(one => one.Otherwise is not null)
                .Select(one => new Missed(one.Words, one.Otherwise!)).ToList();
            if (missed.Count == 0 || stage.Cancel.IsCancellationRequested || Stopwatch.GetElapsedTime(began) > Patience * pace.Patience) return missed;
            await Task.Delay(LookAgain, CancellationToken.None);
        }
    }

    private static async Task<IReadOnlyList<TimelineEntry>> LookBackAsync(Stage stage, DateTimeOffset end)
    {
        foreach (var look in new[] { Look.All, Look.Platform, Look.Stub | Look.Receiver })
        {
            try
            {
                return Timeline.Until(Timeline.Of(await stage.SeeAsync(look), stage.Log.Lines), end);
            }
            // One side is gone, in whichever way: the other is still told, or at least what the drill itself did, and the other drills go on.
            catch (Exception e)
            {
                if (look == Look.All) stage.Log.Add("drill", $"one side cannot be looked at any more: {e.GetType().Name}: {e.Message}");
            }
        }

        return [.. stage.Log.Lines.Select(line => new TimelineEntry(line.At, line.Who, line.Text))];
    }
}
