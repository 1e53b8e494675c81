using Webhooks.Chaos;
using Webhooks.Chaos.Hangfire;

return await ChaosCommand.RunAsync(args, HangfireServers.Host);
