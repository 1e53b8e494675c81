namespace Webhooks.Dispatcher.Sequencing;

/// <summary>Something that took a place in a bucket's order and is to be sequenced: an event, or a change of an endpoint.</summary>
internal abstract record Pending(long Position, long Application);

/// <summary>A published event, without its data. One with a target belongs to the stream of that endpoint and to no other, whatever their patterns.</summary>
internal sealed record PendingEvent(long Position, long Application, string Type, DedupeKey? Key, long? Target) : Pending(Position, Application);

/// <summary>The key of an event, and when that was published: whichever was first has the key for a while.</summary>
internal sealed record DedupeKey(string Value, DateTimeOffset PublishedAt);

/// <summary>From here on the endpoint matches so.</summary>
internal sealed record PendingChange(long Position, long Application, long Endpoint, string[] EventTypes, DateTimeOffset? Since, bool Deleted)
    : Pending(Position, Application);
