using System.Text.Json.Serialization;

namespace Webhooks.Receiver;

/// <summary>An event in an answer; the body as text, for it is JSON in UTF-8.</summary>
internal sealed record HeldEventDocument(
    string Id, string Type, int? Epoch, long? Seq, HeldState State, HoldReason? Reason, int Attempts, string Detail, DateTimeOffset? At, DateTimeOffset? RetryAt, string? Body);

/// <summary>A page of events.</summary>
internal sealed record HeldEventsDocument(IReadOnlyList<HeldEventDocument> Data, string? Next);

/// <summary>Where to go back to.</summary>
internal sealed record RewindDocument(long? After);

/// <summary>The names of all sources.</summary>
internal sealed record SourcesDocument(IReadOnlyList<string> Data);

/// <summary>That an act is done.</summary>
internal sealed record DoneDocument(string Outcome);

/// <summary>The one envelope of all errors.</summary>
internal sealed record ErrorDocument(ErrorBody Error);

/// <summary>What went wrong.</summary>
internal sealed record ErrorBody(string Code, string Message);

/// <summary>Answers are written without reflection, and so in a trimmed program too.</summary>
[JsonSerializable(typeof(WebhookSourceStatus))]
[JsonSerializable(typeof(HeldEventsDocument))]
[JsonSerializable(typeof(RewindDocument))]
[JsonSerializable(typeof(SourcesDocument))]
[JsonSerializable(typeof(DoneDocument))]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class AdministrationJson : JsonSerializerContext;
