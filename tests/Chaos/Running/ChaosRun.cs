using System.Globalization;
using Webhooks.Chaos.Planning;

namespace Webhooks.Chaos.Running;

/// <summary>A run from the first process to the ledger.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(10);

    /// <param name="settings">What is to be done.</param>
    /// <param name="say">Is told the plan and how it goes.</param>
    /// <param name="cancel">Breaks off; everything is stopped.</param>
    public static async Task<Outcome> RunAsync(ChaosSettings settings, Action<string> say, CancellationToken cancel)
    {
        var plan = ChaosPlan.Make(settings);
        say(settings.Command);
        foreach (var deed in plan.Deeds) say(deed.ToString());
        await using var stage = await Stage.SetUpAsync(plan, cancel);
        var @operator = new Operator(stage);
        var director = new Director(stage, @operator);
        foreach (var slot in stage.Slots.Take(settings.Endpoints)) await @operator.CreateAsync(slot);
        await Task.WhenAll(stage.Actors[Role.Dispatcher].Concat(stage.Actors[Role.Receiver]).Select(actor => actor.StartAsync()));
        await Task.WhenAll(stage.Actors[Role.Publisher].Select(actor => actor.StartAsync()));
        say(string.Create(CultureInfo.InvariantCulture, $"{settings.Dispatchers} dispatchers, {settings.Receivers} receivers and {settings.Publishers} publishers are at work"));

        var performing = director.PerformAsync(cancel);
        for (var began = DateTime.UtcNow; await Task.WhenAny(performing, Task.Delay(Progress, cancel)) != performing;)
            say(string.Create(
                CultureInfo.InvariantCulture,
                $"{(DateTime.UtcNow - began).TotalSeconds,5:0} s: {director.Done(DeedKind.Kill)} kills, {director.Done(DeedKind.RestartDatabase)} restarts, {director.Done(DeedKind.Suspend)} suspensions, {director.Done(DeedKind.Fault)} faults"));
        await performing;

        say("the faults are over; waiting until all is quiet");
        var (time, open) = await new Quiet(stage, @operator).WaitAsync(say, cancel);
        var lapses = stage.Actors.Values.SelectMany(actors => actors).SelectMany(actor => actor.Lapses);
        var books = await new BooksReader(stage).ReadAsync([.. director.Incidents, .. lapses]);
        var judgement = Judging.Ledger.Judge(books);
        var summary = Summary.Of(director, settings, books, judgement, time, open);
        return new Outcome(summary, judgement.Findings, summary.Balanced ? null : await new Dump(stage).WriteAsync(books, judgement, open), open);
    }
}
