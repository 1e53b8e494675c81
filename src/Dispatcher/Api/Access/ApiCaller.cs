namespace Webhooks.Dispatcher.Api;

/// <summary>Who asks: a live key, and what it may see. Null means that it is not bound so far.</summary>
/// <param name="Key">The key's row.</param>
/// <param name="Id">Its public id.</param>
/// <param name="Organization">Whose key it is.</param>
/// <param name="Application">The one application that it may see.</param>
/// <param name="Endpoint">The one endpoint that it may see.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="RequestsPerMinute">How often it may ask.</param>
/// <param name="ExpiresAt">When it ends.</param>
internal sealed record ApiCaller(
    long Key, string Id, long Organization, long? Application, long? Endpoint, IReadOnlySet<string> Scopes, int RequestsPerMinute, DateTimeOffset? ExpiresAt);
