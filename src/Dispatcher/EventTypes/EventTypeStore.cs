using Npgsql;
using Webhooks.Dispatcher.Api;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.EventTypes;

/// <summary>Registers event types. Each change is in one transaction that holds the generation's row: no two are under way at a time.</summary>
internal sealed class EventTypeStore(WebhookDatabase database, EventTypeRegistry registry) : IWebhookEventTypes
{
    private const int PageSize = 250;

    public Task<WebhookEventType> SetAsync(EventTypeSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return database.CommitAsync(
            async connection =>
            {
                EventTypeRules.Check(settings);
                var generation = await LockAsync(connection, cancellationToken);
                var before = await ReadAsync(connection, ApiKeyStore.OwnOrganization, settings.Name, cancellationToken);
                return await WriteAsync(connection, ApiKeyStore.OwnOrganization, generation, before, before?.Version, settings, isArchived: false, cancellationToken);
            },
            cancellationToken);
    }

    public async Task<WebhookEventType?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        await using var connection = await database.OpenAsync(cancellationToken);
        return await ReadAsync(connection, ApiKeyStore.OwnOrganization, name, cancellationToken);
    }

    public async Task<IReadOnlyList<WebhookEventType>> ListAsync(CancellationToken cancellationToken = default)
    {
        var (types, last) = (new List<WebhookEventType>(), long.MaxValue);
        await using var connection = await database.OpenAsync(cancellationToken);
        while (true)
        {
            var page = await ListAsync(connection, ApiKeyStore.OwnOrganization, false, last, PageSize, cancellationToken);
            foreach (var (_, listed) in page)
                if (await ReadAsync(connection, ApiKeyStore.OwnOrganization, listed.Name, cancellationToken) is { } type) types.Add(type);
            if (page.Count < PageSize) return [.. types.OrderBy(type => type.Name, StringComparer.Ordinal)];
            last = page[^1].Key;
        }
    }

    public Task ArchiveAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return database.CommitAsync(
            async connection => await ArchiveAsync(connection, ApiKeyStore.OwnOrganization, name, cancellationToken)
                ?? throw new WebhookNotFoundException($"There is no event type {name}."),
            cancellationToken);
    }

    /// <summary>Begins a change; gives its generation.</summary>
    public async Task<long> LockAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "EventTypes/lock_types");
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    public async Task<WebhookEventType?> ReadAsync(NpgsqlConnection connection, long organization, string name, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "EventTypes/read_type", organization, name);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        WebhookEventType? type = null;
        var versions = new List<EventTypeVersion>();
        while (await reader.ReadAsync(cancel))
        {
            type ??= Read(reader, versions);
            versions.Add(new EventTypeVersion(reader.GetInt32(7), Text(reader, 8), Text(reader, 9), reader.GetFieldValue<DateTimeOffset>(10)));
        }

        return type;
    }

    /// <summary>A page of types, without their versions.</summary>
    public async Task<List<(long Key, WebhookEventType Type)>> ListAsync(NpgsqlConnection connection, long organization, bool newer, long from, int limit, CancellationToken cancel)
    {
        await using var command = database.Command(connection, newer ? "EventTypes/list_newer_types" : "EventTypes/list_types", organization, from, limit);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var types = new List<(long, WebhookEventType)>();
        while (await reader.ReadAsync(cancel)) types.Add((reader.GetInt64(7), Read(reader, [])));
        return types;
    }

    /// <summary>Makes a type what is given, which was checked.</summary>
    /// <param name="connection">Where the change is under way.</param>
    /// <param name="organization">Whose it is.</param>
    /// <param name="generation">Of this change.</param>
    /// <param name="before">What it was; null for a new one.</param>
    /// <param name="version">The version that is to be current if it has this schema; otherwise a new one is.</param>
    /// <param name="settings">What it is to be.</param>
    /// <param name="isArchived">Whether it is to be archived.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="WebhookValidationException">There are as many types, or versions of it, as there may be.</exception>
    public async Task<Uncommitted<WebhookEventType>> WriteAsync(
        NpgsqlConnection connection, long organization, long generation, WebhookEventType? before, int? version, EventTypeSettings settings, bool isArchived,
        CancellationToken cancel)
    {
        var current = before?.Versions.FirstOrDefault(one => one.Version == version);
        var next = current is not null && EventTypeRules.AreSame(current.Schema, settings.Schema) ? current.Version : (before?.Versions[^1].Version ?? 0) + 1;
        if (next > EventTypeRules.MaxVersions) throw new WebhookValidationException("schema", $"The type has {EventTypeRules.MaxVersions} versions, and can have no more.");
        await using (var write = database.Command(
            connection, "EventTypes/write_type", organization, settings.Name, settings.Description, next, settings.Deprecated, settings.DeprecationNote, isArchived, generation,
            (long)EventTypeRules.MaxTypes))
        {
            var key = await write.ExecuteScalarAsync(cancel)
                ?? throw new WebhookValidationException("name", $"There are {EventTypeRules.MaxTypes} event types, and can be no more.");
            await using var shape = database.Command(connection, "EventTypes/write_version", key, next, settings.Schema, settings.Example);
            await shape.ExecuteNonQueryAsync(cancel);
        }

        return Changed((await ReadAsync(connection, organization, settings.Name, cancel))!);
    }

    /// <summary>Archives a type; null when there is none.</summary>
    public async Task<Uncommitted<WebhookEventType>?> ArchiveAsync(NpgsqlConnection connection, long organization, string name, CancellationToken cancel)
    {
        var generation = await LockAsync(connection, cancel);
        if (await ReadAsync(connection, organization, name, cancel) is not { } type) return null;
        return await WriteAsync(connection, organization, generation, type, type.Version, SettingsOf(type, type.Version), isArchived: true, cancel);
    }

    /// <summary>What would leave a type as it is, with one of its versions as the current one.</summary>
    public static EventTypeSettings SettingsOf(WebhookEventType type, int version)
    {
        var current = type.Versions.First(one => one.Version == version);
        return new EventTypeSettings(type.Name)
        {
            Description = type.Description, Schema = current.Schema, Example = current.Example, Deprecated = type.DeprecatedAt is not null, DeprecationNote = type.DeprecationNote,
        };
    }

    private Uncommitted<WebhookEventType> Changed(WebhookEventType type) => new(type, () =>
    {
        registry.Forget();
        return Task.CompletedTask;
    });

    private static WebhookEventType Read(NpgsqlDataReader row, IReadOnlyList<EventTypeVersion> versions) => new(
        row.GetString(0), row.GetString(1), row.GetInt32(2), versions, Time(row, 3), Text(row, 4), Time(row, 5), row.GetFieldValue<DateTimeOffset>(6));

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
