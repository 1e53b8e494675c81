using Webhooks.Testing;

// Holds a server until it is killed: see PostgresOwnerTests.
var postgres = await PrivatePostgres.StartAsync(new PrivatePostgresOptions
{
    DataDirectory = args is [_, var folder] ? folder : null,
    Durable = false,
});
Console.WriteLine($"{postgres.ProcessId} {postgres.DataDirectory}");
if (args is ["hold", ..]) await Task.Delay(Timeout.Infinite);
// Not disposed: the end of the process must do.
