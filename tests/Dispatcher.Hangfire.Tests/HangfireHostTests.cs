using Webhooks.Dispatcher.Hosting.Contract;

namespace Webhooks.Dispatcher.Hangfire.Tests;

/// <summary>Hangfire as the host, its tables beside the dispatcher's.</summary>
public class HangfireHostTests : HostingContract
{
    protected override Task<IHostUnderTest> CreateAsync(string connectionString) => Task.FromResult<IHostUnderTest>(new HangfireHost(connectionString));
}
