return await Webhooks.Server.ServerCommands.RunAsync(args);
