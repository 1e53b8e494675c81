using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Api;

/// <summary>Makes keys.</summary>
internal sealed class ApiKeyStore(WebhookDatabase database, DatabaseClock clock) : IWebhookApiKeys
{
    /// <summary>The organization of whatever the library creates.</summary>
    public const long OwnOrganization = 1;

    public const int MaxRequestsPerMinute = 10_000_000;
    public const string NotThere = "There is no such application, or it has no such endpoint.";

    public async Task<CreatedApiKey> CreateAsync(ApiKeySettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        await using var connection = await database.OpenAsync(cancellationToken);
        return await CreateAsync(connection, OwnOrganization, settings, cancellationToken);
    }

    /// <summary>Makes a key in the caller's transaction.</summary>
    public async Task<CreatedApiKey> CreateAsync(NpgsqlConnection connection, long organization, ApiKeySettings settings, CancellationToken cancel)
    {
        if (Problems(settings, clock.Now) is { Count: > 0 } problems) throw new WebhookValidationException(problems);
        var (id, key) = ("key_" + Guid.CreateVersion7().ToString("N"), ApiKeys.Generate());
        await using var command = database.Command(
            connection, "Api/Access/create_key", id, organization, settings.Application?.Value, settings.Endpoint?.Value, settings.Name,
            ApiKeys.Shown(key), ApiKeys.Hash(key), settings.Scopes.Distinct().ToArray(), settings.RequestsPerMinute, settings.ExpiresAt?.ToUniversalTime());
        return await command.ExecuteNonQueryAsync(cancel) > 0
            ? new CreatedApiKey(id, key)
            : throw new WebhookNotFoundException(NotThere);
    }

    private static Dictionary<string, string[]> Problems(ApiKeySettings settings, DateTimeOffset now)
    {
        var problems = new Dictionary<string, string[]>();
        if (string.IsNullOrWhiteSpace(settings.Name) || settings.Name.Length > 200 || !EventRules.CanBeStored(settings.Name))
            problems["name"] = ["Must have 1 to 200 characters, no NUL and no half of a surrogate pair."];
        if (settings.Scopes is null || settings.Scopes.Count == 0) problems["scopes"] = ["Must name at least one scope."];
        else if (settings.Scopes.Except(WebhookApiScopes.All).ToArray() is { Length: > 0 })
            problems["scopes"] = [$"Must be some of {string.Join(", ", WebhookApiScopes.All)}."];
        if (settings.Endpoint is not null && settings.Application is null) problems["endpoint"] = ["Must stand beside its application."];
        if (settings.ExpiresAt <= now) problems["expires_at"] = ["Must lie in the future."];
        if (settings.RequestsPerMinute is < 1 or > MaxRequestsPerMinute) problems["requests_per_minute"] = [$"Must lie between 1 and {MaxRequestsPerMinute}."];
        return problems;
    }
}
