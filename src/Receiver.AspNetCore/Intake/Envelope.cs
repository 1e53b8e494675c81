namespace Webhooks.Receiver;

/// <summary>What an envelope says, with the place of its data in the bytes.</summary>
/// <param name="Id">The event's id; null when a foreign sender states none.</param>
/// <param name="Type">Its type; empty when a foreign sender states none.</param>
/// <param name="Timestamp">When it was published; null when a foreign sender does not say.</param>
/// <param name="Endpoint">Its endpoint; null from a foreign sender.</param>
/// <param name="Epoch">Its epoch; 0 from a foreign sender.</param>
/// <param name="Seq">Its number, of a batch the first; 0 from a foreign sender.</param>
/// <param name="IsVoid">Whether the sender has expunged its data.</param>
/// <param name="Data">Where its data stands.</param>
/// <param name="LastSeq">Of a batch the last number; null of one event.</param>
/// <param name="OwnData">Its data, where it does not stand as such in the body.</param>
internal sealed record Envelope(
    string? Id, string Type, DateTimeOffset? Timestamp, string? Endpoint, int Epoch, long Seq, bool IsVoid, Range Data, long? LastSeq = null,
    ReadOnlyMemory<byte>? OwnData = null)
{
    /// <summary>How many events a batch may hold.</summary>
    public const int MaxBatch = 1000;

    public bool IsNumbered => Seq > 0;

    public bool IsBatch => LastSeq is not null;

    public WebhookEvent ToEvent(string source, InboxEvent stored) => new()
    {
        Source = source,
        Id = stored.Id,
        Type = Type,
        Timestamp = Timestamp ?? stored.ReceivedAt,
        Endpoint = Endpoint,
        Epoch = IsNumbered ? Epoch : null,
        Seq = IsNumbered ? Seq : null,
        Data = OwnData ?? stored.Body[Data],
        RawBody = stored.Body,
    };
}
