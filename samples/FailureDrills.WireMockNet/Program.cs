using Webhooks.FailureDrills;
using Webhooks.FailureDrills.WireMockNet;

// Dispatchers and receivers that drills start as processes are FailureDrills itself, which lies beside this program.
return await DrillsCommand.RunAsync(args, new WireMockNetLauncher());
