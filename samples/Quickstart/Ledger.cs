using System.Text.Json;
using System.Text.Json.Serialization;

namespace Webhooks.Quickstart;

/// <summary>A pause and what ended it, as the dispatcher's audit log has it.</summary>
internal sealed record PauseEntry(string Reason, string Evidence, string? ResumedBy);

/// <summary>What went in, what came out, and whether it is the same. Every figure is counted where it lies: in the two sides' tables.</summary>
internal sealed record Ledger
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required long Published { get; init; }

    public required long RolledBack { get; init; }

    public required long RolledBackSeen { get; init; }

    public required long Sequenced { get; init; }

    public required long Delivered { get; init; }

    public required long Backfilled { get; init; }

    public long DeliveredOrBackfilled => Delivered + Backfilled;

    public required long Processed { get; init; }

    public required long ProcessedTwice { get; init; }

    public required long OutOfOrder { get; init; }

    public required long Altered { get; init; }

    public required long DuplicatesRefused { get; init; }

    public required long LostOnTheWay { get; init; }

    public required long GapsClosed { get; init; }

    public required IReadOnlyList<PauseEntry> Pauses { get; init; }

    public long SelfResumes => Pauses.Count(pause => pause.ResumedBy == "receiver");

    public required long Rotations { get; init; }

    public required long Rejected { get; init; }

    public required long Cursor { get; init; }

    public required string Status { get; init; }

    public required double Seconds { get; init; }

    public bool Balanced => Lines().All(line => line.Good);

    /// <summary>What the ledger says, line by line, and whether it is as it must be.</summary>
    public IEnumerable<LedgerLine> Lines()
    {
        yield return new("published in committed transactions", $"{Published}", Published > 0);
        yield return new("sequenced, 1 to n without a hole", $"{Sequenced}", Sequenced == Published);
        yield return new("delivered or backfilled", $"{DeliveredOrBackfilled} ({Delivered} + {Backfilled})", DeliveredOrBackfilled == Published);
        yield return new("processed", $"{Processed}", Processed == Published);
        yield return new("rolled back, and never seen", $"{RolledBack}, {RolledBackSeen} seen", RolledBack > 0 && RolledBackSeen == 0);
        yield return new("processed twice", $"{ProcessedTwice}", ProcessedTwice == 0);
        yield return new("out of order", $"{OutOfOrder}", OutOfOrder == 0);
        yield return new("data altered on the way", $"{Altered}", Altered == 0);
        yield return new("accepted and lost, gaps closed", $"{LostOnTheWay} lost, {GapsClosed} gaps closed", LostOnTheWay > 0 && GapsClosed > 0);
        foreach (var pause in Pauses)
            yield return new($"paused: {pause.Reason}", $"resumed by {pause.ResumedBy ?? "nobody"}; {pause.Evidence}", pause.ResumedBy is not null);
        yield return new("both pauses, and a self-resume", $"{Pauses.Count}, {SelfResumes}",
            Pauses.Any(pause => pause.Reason == "gone") && Pauses.Any(pause => pause.Reason == "failing") && SelfResumes > 0);
        yield return new("secret rotations, requests rejected", $"{Rotations}, {Rejected}", Rotations > 0 && Rejected == 0);
        yield return new("the stream at the end", $"{Status}, cursor {Cursor}", Status == "active" && Cursor == Published);
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json);
}

/// <summary>A line of the ledger.</summary>
internal sealed record LedgerLine([property: JsonIgnore] string Name, string Value, bool Good);
