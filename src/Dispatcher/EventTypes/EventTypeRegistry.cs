using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.EventTypes.Schemas;

namespace Webhooks.Dispatcher.EventTypes;

/// <summary>What is said of an event by its type.</summary>
/// <param name="Problems">What is wrong with it, by field or JSON Pointer; null when nothing is.</param>
/// <param name="Type">Its type, when it is registered.</param>
internal readonly record struct TypeVerdict(IReadOnlyDictionary<string, string[]>? Problems, KnownType? Type);

/// <summary>
/// The event types as publishing needs them: in memory, by their names, with schemas that are compiled once. What another process changes is seen within a second; in between,
/// publishing an event whose type nobody registered costs a look into a dictionary.
/// </summary>
internal sealed partial class EventTypeRegistry(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger<EventTypeRegistry> logger)
    : IDisposable
{
    /// <summary>How long what another process has changed may still be taken as it was.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    // From then on it is looked for by the way, so that under load nobody waits for it.
    private static readonly TimeSpan Ripe = Remembered / 2;
    private static readonly TimeSpan SayAgain = TimeSpan.FromHours(1);
    private const int MaxRemembered = 10_000;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly ConcurrentDictionary<string, long> _organizations = new();
    private readonly ConcurrentDictionary<(long, string), long> _said = new();
    private volatile Known _known = new(-1, 0, FrozenDictionary<string, KnownType[]>.Empty);
    private int _forgotten;
    private int _refreshing;

    /// <summary>Looks again before the next event, since a type was changed here.</summary>
    public void Forget()
    {
        lock (_organizations)
        {
            _forgotten++;
            _known = _known with { At = 0 };
        }
    }

    /// <summary>Checks an event by its type.</summary>
    /// <exception cref="WebhookValidationException">It does not fit.</exception>
    /// <exception cref="WebhookPublishException">The database did not tell what types there are.</exception>
    public ValueTask CheckAsync(EventToPublish published, CancellationToken cancel) =>
        published.TypeIsChecked || (IsFresh() && !Concerns(published)) ? default : CheckWellAsync(published, cancel);

    /// <summary>Makes sure that what is known is no older than it may be.</summary>
    public ValueTask FreshenAsync(CancellationToken cancel) => IsFresh() ? default : new ValueTask(RefreshAsync(cancel));

    /// <summary>Judges an event of an organization by what is known.</summary>
    public TypeVerdict Judge(long organization, EventToPublish published)
    {
        var type = _known.Types.TryGetValue(published.Type, out var several) ? Array.Find(several, one => one.Organization == organization && !one.IsArchived) : null;
        if (type is null)
        {
            if (options.Value.Publishing.UnknownTypes == UnknownEventTypes.Refused) return Refuse("type", "Is no registered event type.");
            return published.Version is null ? default : Refuse("version", "Its type is not registered, and so has no versions.");
        }

        if (!type.Schemas.TryGetValue(published.Version ?? type.Version, out var schema)) return Refuse("version", $"The type has no version {published.Version}.");
        return new TypeVerdict(schema.Value?.Problems(published.Data, "/data"), type);

        static TypeVerdict Refuse(string field, string problem) => new(new Dictionary<string, string[]> { [field] = [problem] }, null);
    }

    public void Dispose() => _turn.Dispose();

    private bool Concerns(EventToPublish published) =>
        _known.Types.ContainsKey(published.Type) || published.Version is not null || options.Value.Publishing.UnknownTypes == UnknownEventTypes.Refused;

    private async ValueTask CheckWellAsync(EventToPublish published, CancellationToken cancel)
    {
        for (var again = true; ; again = false)
        {
            try
            {
                await FreshenAsync(cancel);
                // Of an application that is not there, publishing itself says so.
                if (!Concerns(published) || await OrganizationOfAsync(published.Application, cancel) is not { } organization) return;
                var verdict = Judge(organization, published);
                if (verdict.Problems is { } problems) throw new WebhookValidationException(problems);
                if (verdict.Type is { DeprecatedAt: not null } deprecated) SayDeprecated(deprecated);
                return;
            }
            catch (NpgsqlException exception) when (again && exception.IsTransient)
            {
                // A connection of the pool that the server has closed meanwhile fails once; nothing was read or written.
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                throw new WebhookPublishException("The database did not tell what event types there are. Nothing was stored: publish again.", exception);
            }
        }
    }

    private async ValueTask<long?> OrganizationOfAsync(WebhookApplicationId application, CancellationToken cancel)
    {
        if (_organizations.TryGetValue(application.Value, out var known)) return known;
        await using var command = database.CommandBeside("EventTypes/find_organization", application.Value);
        if (await command.ExecuteScalarAsync(cancel) is not long organization) return null;
        if (_organizations.Count >= MaxRemembered) _organizations.Clear();
        return _organizations[application.Value] = organization;
    }

    private void SayDeprecated(KnownType type)
    {
        var said = _said.TryGetValue((type.Organization, type.Name), out var at);
        if (said && time.GetElapsedTime(at) < SayAgain) return;
        _said[(type.Organization, type.Name)] = time.GetTimestamp();
        LogDeprecated(type.Name, type.DeprecatedAt!.Value, type.DeprecationNote ?? "no note");
    }

    private bool IsFresh()
    {
        var known = _known;
        if (known.At == 0) return false;
        var age = time.GetElapsedTime(known.At);
        if (age > Remembered) return false;
        if (age > Ripe && Interlocked.Exchange(ref _refreshing, 1) == 0) _ = RefreshByTheWayAsync();
        return true;
    }

    private async Task RefreshByTheWayAsync()
    {
        try
        {
            // Not on the publisher's time.
            await Task.Yield();
            await RefreshAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or ObjectDisposedException or OperationCanceledException)
        {
            // Whoever publishes next looks again, and is told.
        }
        finally
        {
            Volatile.Write(ref _refreshing, 0);
        }
    }

    private async Task RefreshAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            if (_known.At != 0 && time.GetElapsedTime(_known.At) < Ripe) return;
            var (forgotten, at) = (Volatile.Read(ref _forgotten), Math.Max(1, time.GetTimestamp()));
            // Beside the call's or the caller's transaction: that may show an older state, and holds a connection.
            await using var read = database.CommandBeside("EventTypes/read_generation");
            var generation = (long)(await read.ExecuteScalarAsync(cancel))!;
            var types = generation == _known.Generation ? _known.Types : await ReadAsync(generation < _known.Generation ? -1 : _known.Generation, cancel);
            // What was read while a type was changed here may be as it was.
            lock (_organizations) _known = new Known(generation, _forgotten == forgotten ? at : 0, types);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What was known, with what has changed since a generation; all of it anew where the database was set back.</summary>
    private async Task<FrozenDictionary<string, KnownType[]>> ReadAsync(long since, CancellationToken cancel)
    {
        var types = since < 0 ? [] : _known.Types.Values.SelectMany(several => several).ToDictionary(type => (type.Organization, type.Name));
        var changed = new HashSet<(long, string)>();
        await using var command = database.CommandBeside("EventTypes/read_changed", since);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var key = (reader.GetInt64(0), reader.GetString(1));
            if (changed.Add(key))
                types[key] = new KnownType(
                    key.Item1, key.Item2, reader.GetInt32(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<DateTimeOffset>(3), reader.IsDBNull(4) ? null : reader.GetString(4),
                    reader.GetBoolean(5), []);
            var (name, version, schema) = (key.Item2, reader.GetInt32(6), reader.IsDBNull(7) ? null : reader.GetString(7));
            types[key].Schemas[version] = new Lazy<EventSchema?>(() => Compile(name, version, schema));
        }

        return types.Values.GroupBy(type => type.Name).ToFrozenDictionary(group => group.Key, group => group.ToArray());
    }

    private EventSchema? Compile(string name, int version, string? schema)
    {
        try
        {
            return schema is null ? null : EventSchema.Compile(schema, "/schema");
        }
        catch (WebhookValidationException refused)
        {
            // It was taken by a version of the program that knew more.
            LogUnusable(refused, name, version);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Events of type {Type} are published, which is deprecated since {Since:O}: {Note}", EventName = "DeprecatedTypePublished")]
    private partial void LogDeprecated(string type, DateTimeOffset since, string note);

    [LoggerMessage(2, LogLevel.Error, "The schema of event type {Type}, version {Version}, cannot be used here; its data is not checked", EventName = "SchemaUnusable")]
    private partial void LogUnusable(Exception exception, string type, int version);

    private sealed record Known(long Generation, long At, FrozenDictionary<string, KnownType[]> Types);
}

/// <summary>A registered event type, as publishing needs it.</summary>
internal sealed record KnownType(
    long Organization, string Name, int Version, DateTimeOffset? DeprecatedAt, string? DeprecationNote, bool IsArchived, Dictionary<int, Lazy<EventSchema?>> Schemas);
