namespace Webhooks.Dispatcher;

/// <summary>
/// The event types of the platform: what they mean, what their data is like, which of them are going away. None need be registered to publish, unless
/// <c>Publishing:UnknownTypes</c> says so.
/// </summary>
public interface IWebhookEventTypes
{
    /// <summary>
    /// Registers a type, or makes it what is given: fit to be called at each start or deployment. Another schema than that of its current version becomes a new version, and the
    /// current one; what is the same stays. An archived type comes back. Other processes hold to it within a second.
    /// </summary>
    /// <exception cref="WebhookValidationException">
    /// A setting breaks a rule. What is wrong in the schema, a keyword that is not known here too, is named by its place, such as
    /// <c>/schema/properties/amount/unevaluatedProperties</c>.
    /// </exception>
    Task<WebhookEventType> SetAsync(EventTypeSettings settings, CancellationToken cancellationToken = default);

    /// <summary>Reads a type; null when there is none of this name.</summary>
    Task<WebhookEventType?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>All types, those that are archived too, by name.</summary>
    Task<IReadOnlyList<WebhookEventType>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Archives a type: it is as one that was never registered, but keeps its name and history. Again does nothing more.</summary>
    /// <exception cref="WebhookNotFoundException">There is no such type.</exception>
    Task ArchiveAsync(string name, CancellationToken cancellationToken = default);
}

/// <summary>What an event type is to be.</summary>
/// <param name="Name">Dot-separated parts such as <c>invoice.paid</c>, as events have it; at most 256 characters.</param>
public sealed record EventTypeSettings(string Name)
{
    /// <summary>For people; at most 2,000 characters. Default empty.</summary>
    public string Description { get; init; } = "";

    /// <summary>
    /// JSON Schema (2020-12) that data is held to when it is published; at most 64 KiB. References lead within it only. A keyword that is not known is refused.
    /// Default null: any data.
    /// </summary>
    public string? Schema { get; init; }

    /// <summary>Data as an example, as JSON: it must fit the schema; at most 64 KiB. Default null.</summary>
    public string? Example { get; init; }

    /// <summary>Whether it is going away. It can be published all the same; who does is told. Default false.</summary>
    public bool Deprecated { get; init; }

    /// <summary>Why, and what to use instead; 1 to 500 characters, only beside <see cref="Deprecated"/>. Default null.</summary>
    public string? DeprecationNote { get; init; }
}

/// <summary>An event type.</summary>
/// <param name="Name">What events have as their type.</param>
/// <param name="Description">For people.</param>
/// <param name="Version">The current version: what data is held to where the publish names none.</param>
/// <param name="Versions">All versions, oldest first.</param>
/// <param name="DeprecatedAt">Since when it is deprecated; null when it is not.</param>
/// <param name="DeprecationNote">Why.</param>
/// <param name="ArchivedAt">Since when it is archived; null when it is not.</param>
/// <param name="CreatedAt">When it was registered.</param>
public sealed record WebhookEventType(
    string Name, string Description, int Version, IReadOnlyList<EventTypeVersion> Versions, DateTimeOffset? DeprecatedAt, string? DeprecationNote, DateTimeOffset? ArchivedAt,
    DateTimeOffset CreatedAt);

/// <summary>A version of an event type: a shape of its data.</summary>
/// <param name="Version">Its number, from 1.</param>
/// <param name="Schema">JSON Schema; null for any data.</param>
/// <param name="Example">Data as an example, as JSON.</param>
/// <param name="CreatedAt">When it was registered.</param>
public sealed record EventTypeVersion(int Version, string? Schema, string? Example, DateTimeOffset CreatedAt);

/// <summary>What becomes of events of types that nobody registered.</summary>
public enum UnknownEventTypes
{
    /// <summary>They are taken, with any data.</summary>
    Accepted,

    /// <summary>They are refused, and nothing is stored.</summary>
    Refused,
}
