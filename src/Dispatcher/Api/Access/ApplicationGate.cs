using System.Collections.Concurrent;
using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Api;

/// <summary>An application whose events a key may publish and see.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Key">Its row.</param>
/// <param name="Bucket">Where its events are.</param>
/// <param name="Suspended">Whether it takes no events.</param>
/// <param name="Quota">How many events it may publish in a day.</param>
internal sealed record KnownApplication(WebhookApplicationId Id, long Key, short Bucket, bool Suspended, long? Quota);

/// <summary>
/// Tells whose events a call is about. What it found it remembers for a second, so that a publish costs no statement but its own; what this process changes it forgets at once.
/// Nothing is remembered of what is absent or not to be seen: both are looked for each time, and in the same way.
/// </summary>
internal sealed class ApplicationGate(WebhookDatabase database, TimeProvider time)
{
    /// <summary>How long what another process has changed may still be taken as it was.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    private const int MaxRemembered = 10_000;

    private readonly ConcurrentDictionary<(string Id, long Organization, long? Application, long? Endpoint), (KnownApplication Application, long At)> _known = new();
    private int _generation;

    /// <summary>Forgets what is remembered, since an application was changed here.</summary>
    public void Forget()
    {
        // What is being read at this moment may be as it was, and must not come in afterwards.
        Interlocked.Increment(ref _generation);
        _known.Clear();
    }

    /// <summary>The application that the path names.</summary>
    /// <exception cref="ApiException">There is none, or the key may not see its events; those are not an endpoint's, so a key of one endpoint sees none here.</exception>
    public async Task<KnownApplication> FindAsync(ApiCall call)
    {
        var (caller, text) = (call.Caller, call.Path("application"));
        var subject = (text, caller.Organization, caller.Application, caller.Endpoint);
        if (_known.TryGetValue(subject, out var known) && time.GetElapsedTime(known.At) <= Remembered) return known.Application;
        if (!WebhookApplicationId.TryParse(text, out var id)) throw Missing();
        var (generation, at) = (Volatile.Read(ref _generation), time.GetTimestamp());
        // On the call's own connection, if it has one: who holds a connection and waits for another may wait for others who do the same.
        await using var command = call.IsInTransaction
            ? database.Command(call.Connection, "Api/Access/find_application", text, caller.Organization, caller.Application, caller.Endpoint)
            : database.Command("Api/Access/find_application", text, caller.Organization, caller.Application, caller.Endpoint);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        if (!await reader.ReadAsync(call.Cancel)) throw Missing();
        var application = new KnownApplication(id, reader.GetInt64(0), reader.GetInt16(1), reader.GetBoolean(2), reader.IsDBNull(3) ? null : reader.GetInt64(3));
        if (_known.Count >= MaxRemembered) _known.Clear();
        if (generation == Volatile.Read(ref _generation)) _known[subject] = (application, at);
        return application;
    }

    /// <summary>The application of an endpoint that the caller may see.</summary>
    /// <param name="call">Its transaction is the one that asks.</param>
    /// <param name="application">Its row.</param>
    public async Task<KnownApplication> OfEndpointAsync(ApiCall call, long application)
    {
        await using var command = database.Command(call.Connection, "Api/Access/find_own_application", application);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        if (!await reader.ReadAsync(call.Cancel)) throw Missing();
        return new KnownApplication(
            WebhookApplicationId.Parse(reader.GetString(0)), reader.GetInt64(1), reader.GetInt16(2), reader.GetBoolean(3), reader.IsDBNull(4) ? null : reader.GetInt64(4));
    }

    public static ApiException Missing() => new(ApiProblem.NotFound, "There is no such application.");
}
