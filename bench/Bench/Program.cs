using System.CommandLine;
using Webhooks.Bench.Api;
using Webhooks.Bench.Backlog;
using Webhooks.Bench.Fanout;
using Webhooks.Bench.Growth;
using Webhooks.Bench.Idle;
using Webhooks.Bench.Isolation;
using Webhooks.Bench.Latency;
using Webhooks.Bench.Nodes;
using Webhooks.Bench.Publish;
using Webhooks.Bench.Receiving;
using Webhooks.Bench.Sink;
using Webhooks.Bench.Snapshot;
using Webhooks.Bench.Staging;
using Webhooks.Bench.Throughput;

var root = new RootCommand("Measures the dispatcher end to end, the receiver and the management API, on this machine: private PostgreSQL, loopback, everything stopped at the end. With --host hangfire, given to ./eng/bench, the dispatcher in Hangfire servers: throughput, latency, idle, growth, takeover.")
{
    LatencyCommand.Create(),
    ThroughputCommand.Create(),
    PublishCommand.Create(),
    SnapshotCommand.Create(),
    FanoutCommand.Create(),
    BacklogCommand.Create(),
    IdleCommand.Create(),
    NodesCommand.Create(),
    GrowthCommand.Create(),
    IsolationCommand.Create(),
    ReceiverCommand.Create(),
    ApiCommand.Create(),
    NodeProgram.Create(),
    TargetProgram.Create(),
    ApiTargetProgram.Create(),
    SinkProgram.Create(),
};
return await root.Parse(args).InvokeAsync();
