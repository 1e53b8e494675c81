using System.Runtime.ExceptionServices;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Settles one stream behind its sending: one write at a time, each for all that came about by then.</summary>
/// <param name="lease">The right to write it.</param>
/// <param name="window">What came about; under <paramref name="gate"/>.</param>
/// <param name="gate">Guards the window.</param>
/// <param name="settler">Writes for many streams at once.</param>
internal sealed class SettleChain(EndpointLease lease, DeliveryWindow window, Lock gate, Settler settler)
{
    private bool _running;
    private bool _forgotten;
    private bool _lost;
    private ExceptionDispatchInfo? _broken;
    private Task<bool> _run = Task.FromResult(true);

    /// <summary>Takes note that the window has changed; false when an earlier write found the lease lost. Under the gate.</summary>
    public bool Advanced()
    {
        // Without the database the pump cannot go on: what was taken from the window and not written would be stepped over by the next write.
        _broken?.Throw();
        if (_lost) return false;
        if (_running) return true;
        if (window.Take() is not { } settlement) return true;
        _running = true;
        _run = RunAsync(settlement);
        return true;
    }

    /// <summary>Waits until all that came about is settled; false when the lease was lost.</summary>
    public Task<bool> AllAsync()
    {
        lock (gate) return Advanced() ? _run : Task.FromResult(false);
    }

    private async Task<bool> RunAsync(Settlement first)
    {
        try
        {
            for (Settlement? settlement = first; settlement is not null;)
            {
                // The first success wipes the slate, once.
                var forget = lease.Blemished && !_forgotten && window.Successes > 0;
                if (!await settler.SettleAsync(lease, settlement, forget)) break;
                _forgotten |= forget;
                lock (gate)
                {
                    settlement = window.Take();
                    if (settlement is not null) continue;
                    _running = false;
                    return true;
                }
            }
        }
        catch (Exception exception)
        {
            lock (gate) (_running, _broken) = (false, ExceptionDispatchInfo.Capture(exception));
            throw;
        }

        lock (gate) (_running, _lost) = (false, true);
        return false;
    }
}
