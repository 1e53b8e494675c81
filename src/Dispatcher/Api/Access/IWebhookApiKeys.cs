namespace Webhooks.Dispatcher;

/// <summary>The keys of the management API. The first one is made here, or by <c>webhooks-server create-key</c>; further ones through the API itself.</summary>
public interface IWebhookApiKeys
{
    /// <summary>Makes a key.</summary>
    /// <returns>The key, which is shown only here: what is stored is its hash.</returns>
    /// <exception cref="WebhookValidationException">A setting breaks a rule; every one that does is named.</exception>
    /// <exception cref="WebhookNotFoundException">There is no such application or endpoint, or it is not the application's.</exception>
    Task<CreatedApiKey> CreateAsync(ApiKeySettings settings, CancellationToken cancellationToken = default);
}

/// <summary>What a key may do and see.</summary>
/// <param name="Name">For people; 1 to 200 characters.</param>
public sealed record ApiKeySettings(string Name)
{
    /// <summary>What it may do, such as <c>events:write</c>. Default: everything.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = WebhookApiScopes.All;

    /// <summary>The one application that it may see. Default null: all of its organization.</summary>
    public WebhookApplicationId? Application { get; init; }

    /// <summary>The one endpoint that it may see; only beside its application. Default null: all of it.</summary>
    public WebhookEndpointId? Endpoint { get; init; }

    /// <summary>When it ends. Default null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often it may ask in a minute, 1 to 10,000,000. Default null: 600.</summary>
    public int? RequestsPerMinute { get; init; }
}

/// <summary>A new key.</summary>
/// <param name="Id">Its id, <c>key_</c> and 32 hex digits.</param>
/// <param name="Key">The key itself. Never log it.</param>
public sealed record CreatedApiKey(string Id, string Key);

/// <summary>What a key of the management API may do.</summary>
public static class WebhookApiScopes
{
    /// <summary>Read and list applications.</summary>
    public const string ApplicationsRead = "applications:read";

    /// <summary>Create and change applications.</summary>
    public const string ApplicationsWrite = "applications:write";

    /// <summary>Read and list endpoints, their streams and attempts.</summary>
    public const string EndpointsRead = "endpoints:read";

    /// <summary>Create, change, pause, resume and delete endpoints; see a new one's secret.</summary>
    public const string EndpointsWrite = "endpoints:write";

    /// <summary>Read and list events and feeds.</summary>
    public const string EventsRead = "events:read";

    /// <summary>Publish and expunge events.</summary>
    public const string EventsWrite = "events:write";

    /// <summary>Read and list event types.</summary>
    public const string EventTypesRead = "event-types:read";

    /// <summary>Register, change and archive event types; only for a key that is not bound.</summary>
    public const string EventTypesWrite = "event-types:write";

    /// <summary>Create, list and revoke keys, none of which may do or see more than the key that makes it.</summary>
    public const string KeysAdmin = "keys:admin";

    /// <summary>Read the audit log.</summary>
    public const string AuditRead = "audit:read";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
        [ApplicationsRead, ApplicationsWrite, EndpointsRead, EndpointsWrite, EventsRead, EventsWrite, EventTypesRead, EventTypesWrite, KeysAdmin, AuditRead];
}
