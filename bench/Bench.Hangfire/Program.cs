using System.CommandLine;
using Webhooks.Bench.Hangfire;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Staging;

var root = new RootCommand("Measures the dispatcher in Hangfire servers, beside the in-box worker and one Hangfire job per message, on this machine.")
{
    ThroughputCommand.Create(),
    LatencyCommand.Create(),
    IdleCommand.Create(),
    GrowthCommand.Create(),
    TakeoverCommand.Create(),
    NodeProgram.Create(HangfireServers.AddTo),
    SinkProgram.Create(),
};
return await root.Parse(args).InvokeAsync();
