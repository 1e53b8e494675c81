using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Webhooks.FailureDrills.Seeing;

/// <summary>The dispatcher's counters of one drill: others run beside it in this process, so only meters of its own services are listened to.</summary>
internal sealed class Counters : IDisposable
{
    private readonly ConcurrentDictionary<(string Name, string Tag), long> _sums = new();
    private readonly List<MeterListener> _listeners = [];

    /// <summary>Listens to the meters of an application.</summary>
    public void Watch(IMeterFactory meters)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, meters)) listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var tag = "";
            foreach (var (_, text) in tags) tag += (tag.Length > 0 ? "," : "") + text;
            _sums.AddOrUpdate((instrument.Name, tag), value, (_, sum) => sum + value);
        });
        listener.Start();
        _listeners.Add(listener);
    }

    /// <summary>The sums so far, by name and the values of the tags.</summary>
    public IReadOnlyDictionary<(string Name, string Tag), long> Snapshot() => new Dictionary<(string, string), long>(_sums);

    public void Dispose()
    {
        foreach (var listener in _listeners) listener.Dispose();
    }
}
