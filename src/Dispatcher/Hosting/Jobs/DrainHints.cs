using System.Collections.Concurrent;
using Webhooks.Dispatcher.Delivery;

namespace Webhooks.Dispatcher.Hosting.Jobs;

/// <summary>
/// The jobs that this process has made, so that it does not make another for the same occasion: an endpoint that was taken and is due again is another occasion, and so is
/// one whose job seems to be lost.
/// </summary>
internal sealed class DrainHints(TimeSpan lostAfter, TimeProvider time)
{
    private const int ManyEntries = 10_000;
    private readonly ConcurrentDictionary<WebhookEndpointId, (DateTime At, long Until)> _made = new();

    /// <summary>Whether a job is wanted for this occasion.</summary>
    public bool IsWanted(DueEndpoint due) => !_made.TryGetValue(due.Id, out var made) || made.At != due.At || time.GetTimestamp() > made.Until;

    /// <summary>One was made.</summary>
    public void Made(DueEndpoint due)
    {
        if (_made.Count >= ManyEntries) ForgetOld();
        _made[due.Id] = (due.At, time.GetTimestamp() + (long)((lostAfter + due.Wait).TotalSeconds * time.TimestampFrequency));
    }

    /// <summary>The job came to nothing: if the endpoint is due still, another one is wanted.</summary>
    public void Forget(WebhookEndpointId endpoint) => _made.TryRemove(endpoint, out _);

    private void ForgetOld()
    {
        foreach (var (endpoint, made) in _made)
            if (time.GetTimestamp() > made.Until) _made.TryRemove(new(endpoint, made));
    }
}
