using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Api;

/// <summary>An endpoint as it is answered: its settings, whether it is sent to, and what is known of its secrets.</summary>
internal record EndpointAnswer
{
    public required string Id { get; init; }

    public required string Application { get; init; }

    public required string Url { get; init; }

    public required IReadOnlyList<string> EventTypes { get; init; }

    public required string Description { get; init; }

    public required int FailureThreshold { get; init; }

    public required string Ordering { get; init; }

    public required int MaxInFlight { get; init; }

    public required int? RateLimit { get; init; }

    public required BatchAnswer? Batch { get; init; }

    public required string ReceiverAccess { get; init; }

    /// <summary>Their names; what they say is shown to nobody.</summary>
    public required IReadOnlyList<string> Headers { get; init; }

    public required string Status { get; init; }

    public required PauseAnswer? Pause { get; init; }

    /// <summary>The live ones, newest first.</summary>
    public required IReadOnlyList<SecretAnswer> Secrets { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A new endpoint, with its secret.</summary>
internal sealed record CreatedEndpointAnswer : EndpointAnswer
{
    [SetsRequiredMembers]
    public CreatedEndpointAnswer(EndpointAnswer endpoint, string secret) : base(endpoint) => Secret = secret;

    public string Secret { get; }
}

/// <summary>How many events go into a request, and how long it waits for them.</summary>
internal sealed record BatchAnswer(int MaxEvents, int MaxWaitMs, int MaxBytes);

/// <summary>Why an endpoint is not sent to, what was seen, and since when.</summary>
internal sealed record PauseAnswer(string Reason, string? Evidence, DateTimeOffset At);

/// <summary>A live secret, without the secret. A public key is none, and is shown at any time.</summary>
internal sealed record SecretAnswer(string Fingerprint, string Algorithm, string? PublicKey, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt)
{
    public static SecretAnswer Of(WebhookSecret secret, DateTimeOffset createdAt, DateTimeOffset? expiresAt) => new(
        secret.Fingerprint, secret.Kind.Word(), secret.Kind == WebhookSecretKind.Ed25519 ? secret.ForReceiver().Reveal() : null, createdAt, expiresAt);
}

/// <summary>A new secret of an endpoint.</summary>
internal sealed record RotatedSecretAnswer(string Secret, string Fingerprint, string Algorithm);

/// <summary>Where a stream stands.</summary>
internal sealed record StreamAnswer(
    string Endpoint, string Status, PauseAnswer? Pause, int Epoch, long EpochStart, long Floor, long Head, long Cursor, long Backlog, int ConsecutiveFailures)
{
    public static StreamAnswer Of(StreamStatus stream) => new(
        stream.Endpoint.Value, stream.Status.Word(),
        stream.PauseReason is { } reason ? new PauseAnswer(reason.Word(), stream.PauseEvidence, stream.PausedAt!.Value) : null,
        stream.Epoch, stream.EpochStart, stream.Floor, stream.Head, stream.Cursor, stream.Head - stream.Cursor, stream.ConsecutiveFailures);
}

/// <summary>A page of the feed as <c>FeedPage</c> writes it, for the document.</summary>
internal sealed record FeedPageAnswer(
    string Endpoint, int Epoch, long EpochStart, long Floor, long Head, long Cursor, string Status, string? PauseReason, IReadOnlyList<FeedEventAnswer> Data, bool HasMore);

/// <summary>An event in a page of the feed, for the document: the envelope of its delivery. One whose data was expunged is void and says why instead of having data.</summary>
internal sealed record FeedEventAnswer(
    string Id, string Type, DateTimeOffset Timestamp, string Endpoint, int Epoch, long Seq,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Void,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason);
