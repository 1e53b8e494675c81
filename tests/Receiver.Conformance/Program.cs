using Webhooks.Conformance;

return await ConformanceCommand.RunAsync(args);
