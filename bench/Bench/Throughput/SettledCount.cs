using System.Diagnostics.Metrics;

namespace Webhooks.Bench.Throughput;

/// <summary>Tells when the dispatcher of this process has settled so many deliveries, by its own metric: asking the database would be load.</summary>
internal sealed class SettledCount : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _target;
    private long _settled;

    public SettledCount(long target)
    {
        _target = target;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "webhooks.dispatcher.settled") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, settled, _, _) =>
        {
            if (Interlocked.Add(ref _settled, settled) >= _target) _reached.TrySetResult();
        });
        _listener.Start();
    }

    public long Settled => Interlocked.Read(ref _settled);

    /// <summary>False when that took too long.</summary>
    public async Task<bool> WaitAsync(TimeSpan most, CancellationToken cancel)
    {
        try
        {
            await _reached.Task.WaitAsync(most, cancel);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public void Dispose() => _listener.Dispose();
}
