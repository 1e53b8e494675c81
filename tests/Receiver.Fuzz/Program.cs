return await Webhooks.Fuzz.FuzzCommand.RunAsync(args);
