using Microsoft.Extensions.Logging;
namespace Webhooks.Receiver;
internal sealed partial class Backfill(ReceiverSource source, FeedClient client, ReceiverMetrics metrics, Random random, ILogger<Backfill> logger)
{
    public Task<DateTimeOffset?> RunOnceAsync(CancellationToken c) { _ = source; _ = client; _ = metrics; _ = random; _ = logger; return Task.FromResult<DateTimeOffset?>(null); }
}
