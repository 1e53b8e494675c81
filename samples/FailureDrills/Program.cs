using Webhooks.FailureDrills;
using Webhooks.FailureDrills.Staging;

return args switch
{
    [Node.Argument, var settings] => await Node.RunAsync(settings),
    [ReceiverProcess.Argument, var settings] => await ReceiverProcess.RunAsync(settings),
    _ => await DrillsCommand.RunAsync(args),
};
