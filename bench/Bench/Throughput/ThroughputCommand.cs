using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Webhooks.Bench.Measuring;
using Webhooks.Bench.Peers;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Throughput;

/// <summary>
/// Delivered and durably settled events per second, everything on this machine at once, against a bare signed loop and against other ways to do
/// it, in the same run. Publisher and dispatcher are in this process, as in a platform's service; sink, database and peers are not.
/// </summary>
internal static class ThroughputCommand
{
    private static readonly string[] Names =
        [.. ThroughputRows.Engine.Select(row => row.Name), ThroughputRows.Naive, ThroughputRows.NaiveClaim, .. Peer.All.Select(peer => peer.Name)];

    public static Command Create()
    {
        var only = new Option<HashSet<string>>("--only")
        {
            Description = "Rows by name, with commas: " + string.Join(",", Names), CustomParser = ParseNames, DefaultValueFactory = _ => [.. Names],
        };
        var events = WholeNumber.Option("--events", "Events of strict_200 in a run; the other rows' numbers go with it", ThroughputRows.MainEvents);
        var runs = WholeNumber.Option("--runs", "Runs of which the medians are taken", 3);
        var noPeers = new Option<bool>("--no-peers") { Description = "Leave out the job queues that run on Node" };
        var form = new Option<PublishForm>("--publish") { Description = "Single publishes that share commits, or transactions of 100 events" };
        var profile = new Option<bool>("--profile") { Description = "Print which statements take the server's time" };
        var set = new Option<string[]>("--set") { Description = "NAME=VALUE: another setting of the peers, or another number of \"workers\" of the job table, to try it" };
        var command = new Command("throughput", "Delivered and settled events per second against a bare signed loop and against peers")
        {
            only, events, runs, noPeers, set, form, profile, Report.Json,
        };
        command.SetAction((parsed, cancel) => Report.RunAsync(parsed, report =>
        {
            var rows = parsed.GetValue(only)!;
            if (parsed.GetValue(noPeers)) rows.ExceptWith(Peer.All.Select(peer => peer.Name));
            var plan = new ThroughputPlan(rows, (double)parsed.GetValue(events) / ThroughputRows.MainEvents, parsed.GetValue(form), parsed.GetValue(profile), Peer.ParseSettings(parsed.GetValue(set) ?? []));
            return RunAsync(plan, parsed.GetValue(runs), report, cancel);
        }));
        return command;
    }

    private static async Task RunAsync(ThroughputPlan plan, int runs, Report report, CancellationToken cancel)
    {
        var (packages, trouble) = plan.NeedsNode ? await PeerPackages.BringAsync(cancel) : (null, null);
        await using var server = await BenchServer.StartAsync(cancel);
        await using var sink = await SinkProcess.StartAsync(cancel);
        var bench = new ThroughputRuns(plan, server, sink, packages, report);
        await bench.WarmUpAsync(cancel);
        for (var run = 1; run <= runs; run++)
        {
            Report.Progress($"Run {run} of {runs}:");
            await bench.RunOnceAsync(cancel);
        }

        new ThroughputReport(plan, bench.Rates, report).Add(runs, trouble);
        if (bench.Costs.Count > 0) ThroughputReport.AddCosts(report, bench.Costs, server.CountsStatements);
        report.Add("postgres", await server.DescribeAsync(cancel), "the same server and settings for all rows");
    }

    private static HashSet<string> ParseNames(ArgumentResult result)
    {
        var names = result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToHashSet();
        foreach (var unknown in names.Except(Names)) result.AddError($"There is no row \"{unknown}\"; there are {string.Join(", ", Names)}.");
        return names;
    }
}

/// <summary>What is measured of it all.</summary>
/// <param name="Rows">Names.</param>
/// <param name="Scale">Of each row's number of events.</param>
/// <param name="Publish">How the dispatcher's events are published.</param>
/// <param name="Profile">Whether statements are printed.</param>
/// <param name="Tried">Settings of the peers in place of their best.</param>
internal sealed record ThroughputPlan(IReadOnlySet<string> Rows, double Scale, PublishForm Publish, bool Profile, JsonObject Tried)
{
    public bool NeedsNode => Peer.All.Any(peer => Rows.Contains(peer.Name));

    public int Events(int ofFullRun) => Math.Max(1, (int)(ofFullRun * Scale));
}
