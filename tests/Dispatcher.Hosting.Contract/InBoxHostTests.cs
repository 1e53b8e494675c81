namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>The host that comes with the dispatcher.</summary>
public class InBoxHostTests : HostingContract
{
    protected override Task<IHostUnderTest> CreateAsync(string connectionString) => Task.FromResult<IHostUnderTest>(new InBoxHost());

    private sealed class InBoxHost : IHostUnderTest
    {
        public void AddTo(IWebhookDispatcherBuilder builder, string connectionString)
        {
            // It is there already.
        }

        public Task LoseJobsAsync() => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
