using System.CommandLine;
using Webhooks.Conformance;
using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Reporting;
using Webhooks.Conformance.Running;
using Webhooks.Conformance.Tests.Sample;
using Webhooks.Testing;

var inbox = new Option<SampleInbox>("--inbox") { Description = "Where the sample keeps its events.", DefaultValueFactory = _ => SampleInbox.Sqlite };
var nodes = new Option<int?>("--nodes")
{
    Description = "How many processes share the store, 1 or 2; default: 1 on SQLite, which takes no more, 2 on PostgreSQL.",
};
nodes.Validators.Add(result =>
{
    if (result.Tokens is [var token] && token.Value is not ("1" or "2")) result.AddError("--nodes must be 1 or 2.");
});
var json = new Option<bool>("--json") { Description = "Print the outcome as one JSON object on the last line." };
var root = new RootCommand("Starts samples/Integrator, and runs every case of the conformance suite against it.") { inbox, nodes, json };
root.SetAction(async (parsed, cancel) =>
{
    TextReport.Prepare();
    var store = parsed.GetValue(inbox);
    var count = parsed.GetValue(nodes) ?? (store == SampleInbox.Sqlite ? 1 : 2);
    if (store == SampleInbox.Sqlite && count > 1)
    {
        await Console.Error.WriteLineAsync("--nodes 2 needs --inbox postgresql: a SQLite inbox is for one process.");
        return ConformanceCommand.WrongUsage;
    }

    try
    {
        await using var sample = await SampleNodes.StartAsync(store, count);
        var outcome = await SuiteRun.RunAsync(sample.Settings, Catalogue.All, TextReport.Tell, cancel);
        TextReport.Sum(outcome);
        if (parsed.GetValue(json)) Console.WriteLine(JsonReport.Of(outcome));
        return outcome.Failed > 0 ? ConformanceCommand.SomeFailed : ConformanceCommand.AllPassed;
    }
    catch (Exception e) when (e is EnvironmentTroubleException or PostgresNotFoundException or InvalidOperationException)
    {
        await Console.Error.WriteLineAsync(e.Message);
        return ConformanceCommand.NothingJudged;
    }
});
var parsed = root.Parse(args);
var exit = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? ConformanceCommand.WrongUsage : exit;
