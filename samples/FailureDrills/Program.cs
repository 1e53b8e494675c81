using Webhooks.FailureDrills;
using Webhooks.FailureDrills.Staging;

return args is [Node.Argument, var settings] ? await Node.RunAsync(settings) : await DrillsCommand.RunAsync(args);
