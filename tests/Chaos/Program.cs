using Webhooks.Chaos;
using Webhooks.Chaos.Cast;

return await ChaosCommand.RunAsync(args, DispatcherHost.InBox);
