namespace Webhooks.Dispatcher.Hosting.Contract;

/// <summary>A host as the suite sees it. One of these stands for all processes that share a database; each gets a host of its own.</summary>
public interface IHostUnderTest : IAsyncDisposable
{
    /// <summary>Puts the host into a process that delivers. It may connect to the dispatcher's database only in this way: the suite cuts it.</summary>
    void AddTo(IWebhookDispatcherBuilder builder, string connectionString);

    /// <summary>Whatever the host keeps for itself is lost: its queue, what it has planned. Nothing for a host that keeps nothing.</summary>
    Task LoseJobsAsync();
}
