using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Sequencing;

/// <summary>A stream as the sequencer knows it: what it matches, and how far it is numbered.</summary>
internal sealed class SequencedStream(long endpoint, IReadOnlyList<string> eventTypes, long head)
{
    public long Endpoint { get; } = endpoint;

    public IReadOnlyList<string> EventTypes { get; set; } = eventTypes;

    public long Head { get; set; } = head;
}

/// <summary>
/// The streams of one bucket's applications, kept from batch to batch. It is right as long as nobody else sequenced the bucket in
/// between, which the batch number tells.
/// </summary>
internal sealed class StreamDirectory
{
    private readonly Dictionary<long, Streams> _applications = [];

    public int Count => _applications.Count;

    public bool Has(long application) => _applications.ContainsKey(application);

    public void Load(long application, IEnumerable<SequencedStream> streams) => _applications[application] = new Streams(streams);

    public void Clear() => _applications.Clear();

    /// <summary>The streams of the application that an event of this type belongs to.</summary>
    public SequencedStream[] Match(long application, string type) => _applications[application].Match(type);

    /// <summary>The stream of one endpoint of the application; none when it is deleted by now.</summary>
    public SequencedStream[] Only(long application, long endpoint) => _applications[application].Only(endpoint);

    /// <summary>Puts a change in force and gives the stream, unless it was deleted.</summary>
    public SequencedStream? Apply(PendingChange change) => _applications[change.Application].Apply(change);

    private sealed class Streams(IEnumerable<SequencedStream> streams)
    {
        private readonly Dictionary<long, SequencedStream> _byEndpoint = streams.ToDictionary(stream => stream.Endpoint);
        private readonly Dictionary<string, SequencedStream[]> _byType = [];

        public SequencedStream[] Match(string type)
        {
            if (_byType.TryGetValue(type, out var matching)) return matching;
            // Types are few where publishers behave; where they do not, memory must not grow with them.
            if (_byType.Count >= 1000) _byType.Clear();
            return _byType[type] = [.. _byEndpoint.Values.Where(stream => EventTypePattern.MatchesAny(stream.EventTypes, type)).OrderBy(stream => stream.Endpoint)];
        }

        public SequencedStream[] Only(long endpoint) => _byEndpoint.TryGetValue(endpoint, out var stream) ? [stream] : [];

        public SequencedStream? Apply(PendingChange change)
        {
            _byType.Clear();
            if (change.Deleted)
            {
                _byEndpoint.Remove(change.Endpoint);
                return null;
            }

            if (_byEndpoint.TryGetValue(change.Endpoint, out var stream)) stream.EventTypes = change.EventTypes;
            else _byEndpoint.Add(change.Endpoint, stream = new SequencedStream(change.Endpoint, change.EventTypes, 0));
            return stream;
        }
    }
}
