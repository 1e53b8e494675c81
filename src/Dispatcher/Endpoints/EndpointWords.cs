using Webhooks.Signing;

namespace Webhooks.Dispatcher.Endpoints;

/// <summary>How settings are written in the database and on the wire.</summary>
internal static class EndpointWords
{
    public static readonly IReadOnlyDictionary<string, EndpointOrdering> Ordering = new Dictionary<string, EndpointOrdering>
    {
        ["strict"] = EndpointOrdering.Strict,
        ["relaxed"] = EndpointOrdering.Relaxed,
    };

    public static readonly IReadOnlyDictionary<string, ReceiverAccess> Access = new Dictionary<string, ReceiverAccess>
    {
        ["none"] = ReceiverAccess.None,
        ["feed"] = ReceiverAccess.Feed,
        ["feed_and_resume"] = ReceiverAccess.FeedAndResume,
    };

    public static readonly IReadOnlyDictionary<string, WebhookSecretKind> Algorithm = new Dictionary<string, WebhookSecretKind>
    {
        ["hmac"] = WebhookSecretKind.Hmac,
        ["ed25519"] = WebhookSecretKind.Ed25519,
    };

    public static string Word(this WebhookSecretKind algorithm) => algorithm == WebhookSecretKind.Ed25519 ? "ed25519" : "hmac";

    public static string Word(this EndpointOrdering ordering) => ordering == EndpointOrdering.Relaxed ? "relaxed" : "strict";

    public static string Word(this ReceiverAccess access) => access switch
    {
        ReceiverAccess.None => "none",
        ReceiverAccess.Feed => "feed",
        _ => "feed_and_resume",
    };

    public static string Word(this EndpointStatus status) => status switch
    {
        EndpointStatus.Active => "active",
        EndpointStatus.Paused => "paused",
        _ => "deleted",
    };
}
