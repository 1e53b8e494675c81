using System.CommandLine;
using Webhooks.Bench.Latency;
using Webhooks.Bench.Publish;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Snapshot;
using Webhooks.Bench.Throughput;

var root = new RootCommand("Measures the dispatcher end to end on this machine: private PostgreSQL, loopback, everything stopped at the end.")
{
    LatencyCommand.Create(),
    ThroughputCommand.Create(),
    PublishCommand.Create(),
    SnapshotCommand.Create(),
    SinkProgram.Create(),
};
return await root.Parse(args).InvokeAsync();
