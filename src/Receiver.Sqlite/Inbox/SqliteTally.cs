namespace Webhooks.Receiver;

/// <summary>A tally, and what it was read from.</summary>
internal sealed class SqliteTally(string source, long revision) : InboxTally
{
    public string Source => source;

    /// <summary>Of the source's row, raised with each change: another process that has written the row has raised it too.</summary>
    public long Revision { get; set; } = revision;

    /// <summary>The version of the file at which the revision was last compared.</summary>
    public (int Opening, long Version) FileVersion { get; set; }

    /// <summary>The last watermark that this process has moved.</summary>
    public StreamPosition? Committed { get; set; }

    /// <summary>How often this process has committed marks since the tally was read.</summary>
    public long Commits { get; set; }

    /// <summary>Whether it knows the watermark. Intake goes on without, when the marks cannot be read.</summary>
    public bool IsPlaced { get; set; }
}
