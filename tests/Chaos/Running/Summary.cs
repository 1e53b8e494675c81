using System.Globalization;
using System.Text.Json;
using Webhooks.Chaos.Judging;
using Webhooks.Chaos.Planning;

namespace Webhooks.Chaos.Running;

/// <summary>What a run did and what it found.</summary>
internal sealed record Summary
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required bool Balanced { get; init; }

    public required int Seed { get; init; }

    public required double Minutes { get; init; }

    public required int Dispatchers { get; init; }

    public required int Receivers { get; init; }

    public required int Kills { get; init; }

    public required int Restarts { get; init; }

    public required int Suspensions { get; init; }

    public required int TerminatedConnections { get; init; }

    public required int Faults { get; init; }

    public required int OperatorActions { get; init; }

    public required int Endpoints { get; init; }

    public required int Published { get; init; }

    public required int RolledBack { get; init; }

    public required int DedupeDuplicates { get; init; }

    public required long Effects { get; init; }

    public required int Lost { get; init; }

    public required int Holes { get; init; }

    public required int Reordered { get; init; }

    public required int Twice { get; init; }

    public required int RolledBackDelivered { get; init; }

    public required long ResentOnTheWire { get; init; }

    public required long DuplicatesOnTheWire { get; init; }

    public required int BatchesOnTheWire { get; init; }

    public required int OtherFindings { get; init; }

    public required double QuietAfterSeconds { get; init; }

    public static Summary Of(Director director, ChaosSettings settings, Books books, Judgement judgement, TimeSpan quiet, string? open)
    {
        Wrong[] named = [Wrong.Lost, Wrong.Hole, Wrong.Reordered, Wrong.ReorderedOnTheWire, Wrong.Twice, Wrong.RolledBackDelivered];
        return new Summary
        {
            Balanced = judgement.Balanced && open is null, Seed = settings.Seed, Minutes = Math.Round(settings.Duration.TotalMinutes, 2),
            Dispatchers = settings.Dispatchers, Receivers = settings.Receivers, Kills = director.Done(DeedKind.Kill), Restarts = director.Done(DeedKind.RestartDatabase),
            Suspensions = director.Done(DeedKind.Suspend), TerminatedConnections = director.Terminated, Faults = director.Done(DeedKind.Fault),
            OperatorActions = new[]
            {
                DeedKind.Pause, DeedKind.Rewind, DeedKind.Skip, DeedKind.RotateSecret, DeedKind.CreateEndpoint, DeedKind.UpdateEndpoint, DeedKind.DeleteEndpoint,
            }.Sum(director.Done),
            Endpoints = books.Endpoints.Count, Published = books.Published.Count, RolledBack = books.RolledBack.Count, DedupeDuplicates = books.Duplicates.Count,
            Effects = judgement.Effects, Lost = judgement.Count(Wrong.Lost), Holes = judgement.Count(Wrong.Hole),
            Reordered = judgement.Count(Wrong.Reordered) + judgement.Count(Wrong.ReorderedOnTheWire), Twice = judgement.Count(Wrong.Twice),
            RolledBackDelivered = judgement.Count(Wrong.RolledBackDelivered), ResentOnTheWire = judgement.Resent, DuplicatesOnTheWire = judgement.Duplicates,
            BatchesOnTheWire = books.Endpoints.Sum(endpoint => endpoint.Wire.Count(request => request.To > request.From)),
            OtherFindings = judgement.Findings.Count(finding => !named.Contains(finding.Wrong)), QuietAfterSeconds = Math.Round(quiet.TotalSeconds, 1),
        };
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        done       {Kills} kills, {Restarts} restarts of the database, {Suspensions} suspensions, {TerminatedConnections} connections terminated, {Faults} receiver faults, {OperatorActions} operator's actions
        published  {Published} events for {Endpoints} endpoints, {DedupeDuplicates} of them duplicates by key; {RolledBack} rolled back
        effects    {Effects}; lost {Lost}, holes {Holes}, reordered {Reordered}, twice {Twice}, rolled back and delivered {RolledBackDelivered}, other findings {OtherFindings}
        wire       {ResentOnTheWire} numbers came again, {DuplicatesOnTheWire} of them after they had been accepted; {BatchesOnTheWire} batches
        quiet      after {QuietAfterSeconds} s
        """);
}

/// <summary>How a run ended.</summary>
internal sealed record Outcome(Summary Summary, IReadOnlyList<Finding> Findings, string? DumpFolder, string? StillOpen)
{
    public string Report => string.Join('\n', new[] { Summary.ToString(), StillOpen is null ? "" : $"It did not become quiet: {StillOpen}." }
        .Concat(Findings.Take(20).Select(finding => finding.ToString()))
        .Append(Findings.Count > 20 ? $"and {Findings.Count - 20} more" : "")
        .Append(DumpFolder is null ? "" : $"The state of both sides is in {DumpFolder}").Where(line => line.Length > 0));
}
