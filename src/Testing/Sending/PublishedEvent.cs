namespace Webhooks.Testing;

/// <summary>An event of a <see cref="TestSender"/>'s stream.</summary>
/// <param name="Seq">Its number in the stream, from 1.</param>
/// <param name="Id">Its id, the same whenever it is posted and in the feed.</param>
/// <param name="Type">Its type.</param>
/// <param name="Body">The exact bytes of its envelope.</param>
public sealed record PublishedEvent(long Seq, string Id, string Type, ReadOnlyMemory<byte> Body);
