using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Nodes;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Delivery;

/// <summary>Takes and gives back endpoints, and writes what came of sending; always compared with owner and lease epoch.</summary>
internal sealed partial class LeaseStore(
    WebhookDatabase database, KeyRing keyRing, NodeLease node, TimeProvider time, ILogger<LeaseStore> logger) : IAsyncDisposable
{
    private Batcher<EndpointLease, bool>? _idle;
    private Batcher<HeldLease, bool>? _released;

    /// <summary>The node that this process is at the moment.</summary>
    public Guid Owner => node.Id;

    /// <summary>Takes endpoints that are due, and have been for so long; none when this node has lost its lease.</summary>
    public Task<List<EndpointLease>> ClaimAsync(int most, CancellationToken cancel, TimeSpan dueFor = default)
    {
        var owner = Owner;
        return ClaimAsync(owner, connection => database.Command(connection, "Delivery/claim", owner, most, dueFor), cancel);
    }

    /// <summary>Takes one endpoint, if it is due and nobody has it; null otherwise, or when this node has lost its lease.</summary>
    public async Task<EndpointLease?> ClaimAsync(WebhookEndpointId endpoint, CancellationToken cancel)
    {
        var owner = Owner;
        return (await ClaimAsync(owner, connection => database.Command(connection, "Delivery/claim_endpoint", owner, endpoint.Value), cancel)).SingleOrDefault();
    }

    private async Task<List<EndpointLease>> ClaimAsync(Guid owner, Func<NpgsqlConnection, NpgsqlCommand> claiming, CancellationToken cancel)
    {
        var leases = new List<EndpointLease>();
        await using var connection = await database.OpenAsync(cancel);
        var taken = new List<long>();
        await using (var claim = claiming(connection))
        await using (var claimed = await claim.ExecuteReaderAsync(cancel))
            while (await claimed.ReadAsync(cancel)) taken.Add(claimed.GetInt64(0));
        if (taken.Count == 0) return leases;
        await using var command = database.Command(connection, "Delivery/read_leases", owner, taken.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            try
            {
                leases.Add(ReadLease(reader));
            }
            catch (Exception exception) when (exception is System.Security.Cryptography.CryptographicException or FormatException or ArgumentException)
            {
                // One endpoint's unreadable secret or headers must not keep the others waiting. It is tried again when it is found to be left behind.
                LogUnreadable(exception, reader.GetString(2));
            }
        }

        return leases;
    }

    /// <summary>Endpoints that are due and that nobody works on: of these buckets, and these; those first that have been for longest.</summary>
    public async Task<List<DueEndpoint>> FindDueAsync(IReadOnlyCollection<short> buckets, IReadOnlyCollection<long> endpoints, TimeSpan dueFor, int most, CancellationToken cancel)
    {
        var due = new List<DueEndpoint>();
        await using var command = database.Command("Delivery/find_due", buckets.ToArray(), endpoints.ToArray(), dueFor, most);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) due.Add(new DueEndpoint(WebhookEndpointId.Parse(reader.GetString(0)), reader.GetDateTime(1), TimeSpan.Zero));
        return due;
    }

    /// <summary>When these are due, as far as they are at all and nobody works on them.</summary>
    public async Task<List<DueEndpoint>> ReadWaitsAsync(IReadOnlyCollection<long> endpoints, CancellationToken cancel)
    {
        var waiting = new List<DueEndpoint>();
        await using var command = database.Command("Delivery/read_waits", endpoints.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) waiting.Add(new DueEndpoint(WebhookEndpointId.Parse(reader.GetString(0)), reader.GetDateTime(1), reader.GetTimeSpan(2)));
        return waiting;
    }

    /// <summary>All that is leased to this node.</summary>
    public async Task<List<HeldLease>> ReadHeldAsync(CancellationToken cancel)
    {
        var held = new List<HeldLease>();
        await using var command = database.Command("Delivery/read_held", Owner);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) held.Add(new HeldLease(reader.GetInt64(0), reader.GetInt64(1)));
        return held;
    }

    /// <summary>Hands an endpoint back, to be taken by anybody.</summary>
    public Task ReleaseAsync(EndpointLease lease, CancellationToken cancel) => ReleaseAsync(new HeldLease(lease.Endpoint, lease.LeaseEpoch), cancel);

    /// <summary>Hands an endpoint back, to be taken by anybody; all that are given back at the same moment in one statement.</summary>
    public Task ReleaseAsync(HeldLease lease, CancellationToken cancel)
    {
        var batcher = LazyInitializer.EnsureInitialized(ref _released, () => new(ReleaseAsync, 2000, time));
        return batcher.RunAsync(lease, cancel);
    }

    /// <summary>Hands an endpoint back that has nothing left to send; false when it has.</summary>
    public Task<bool> ReleaseIdleAsync(EndpointLease lease, CancellationToken cancel)
    {
        var batcher = LazyInitializer.EnsureInitialized(ref _idle, () => new(ReleaseIdleAsync, 500, time));
        return batcher.RunAsync(lease, cancel);
    }

    /// <summary>Records a failed attempt and ends the lease; false when the lease was lost or the endpoint paused meanwhile.</summary>
    public async Task<bool> FailAsync(
        EndpointLease lease, long seq, AttemptResult result, FailureDecision decision, FailureForm form, CancellationToken cancel)
    {
        var evidence = $"seq {seq}, attempt {decision.State.Attempts}: {result.Outcome.Word()}"
            + (result.StatusCode is { } status ? $" (HTTP {status})" : "") + (result.Detail.Length > 0 ? $": {result.Detail}" : "");
        var fail = database.Step(
            "Delivery/fail", lease.Endpoint, Owner, lease.LeaseEpoch, lease.Version, decision.State.ConsecutiveFailures, decision.State.Attempts,
            decision.State.ThrottledSince?.ToUniversalTime(), decision.Pause?.Word(), evidence, decision.Wait, seq, result.StartedAt.ToUniversalTime(),
            (int)result.Duration.TotalMilliseconds, result.Outcome.Word(), result.StatusCode, result.Detail, decision.State.Probing,
            decision.Counts, form == FailureForm.Rest, form == FailureForm.KeepLease, lease.Bucket, result.Phases);
        await using var connection = await database.OpenAsync(cancel);
        await using var batch = new NpgsqlBatch(connection);
        if (form == FailureForm.Rest)
        {
            batch.BatchCommands.Add(WebhookDatabase.Begin);
            batch.BatchCommands.Add(database.Step("Delivery/lock_buckets", new[] { lease.Bucket }));
        }

        batch.BatchCommands.Add(fail);
        if (form == FailureForm.Rest) batch.BatchCommands.Add(WebhookDatabase.Literal("COMMIT"));
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        if (form == FailureForm.Rest) await reader.NextResultAsync(cancel);
        return await reader.ReadAsync(cancel);
    }

    /// <summary>Records failed attempts from which nothing follows by themselves.</summary>
    public async Task RecordAsync(EndpointLease lease, int number, IReadOnlyCollection<(long Seq, AttemptResult Result)> attempts, CancellationToken cancel)
    {
        await using var command = database.Command(
            "Delivery/record_attempt", lease.Endpoint, Owner, lease.LeaseEpoch, number, attempts.Select(one => one.Seq).ToArray(),
            attempts.Select(one => one.Result.StartedAt.ToUniversalTime()).ToArray(), attempts.Select(one => (int)one.Result.Duration.TotalMilliseconds).ToArray(),
            attempts.Select(one => one.Result.Outcome.Word()).ToArray(), attempts.Select(one => one.Result.StatusCode).ToArray(),
            attempts.Select(one => one.Result.Detail).ToArray(), attempts.Select(one => one.Result.Phases).ToArray());
        await command.ExecuteNonQueryAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (_idle is not null) await _idle.DisposeAsync();
        if (_released is not null) await _released.DisposeAsync();
    }

    private async Task<IReadOnlyList<bool>> ReleaseAsync(IReadOnlyList<HeldLease> leases)
    {
        await using var command = database.Command(
            "Delivery/release", Owner, leases.Select(lease => lease.Endpoint).ToArray(), leases.Select(lease => lease.LeaseEpoch).ToArray());
        await command.ExecuteNonQueryAsync();
        return new bool[leases.Count];
    }

    private async Task<IReadOnlyList<bool>> ReleaseIdleAsync(IReadOnlyList<EndpointLease> leases)
    {
        var released = new HashSet<long>();
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                WebhookDatabase.Begin,
                database.Step("Delivery/lock_buckets", leases.Select(lease => lease.Bucket).Distinct().ToArray()),
                database.Step(
                    "Delivery/release_idle", Owner, leases.Select(lease => lease.Endpoint).ToArray(), leases.Select(lease => lease.LeaseEpoch).ToArray(),
                    leases.Select(lease => lease.Version).ToArray()),
                WebhookDatabase.Literal("COMMIT"),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.NextResultAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None)) released.Add(reader.GetInt64(0));
        return leases.Select(lease => released.Contains(lease.Endpoint)).ToList();
    }

    private EndpointLease ReadLease(NpgsqlDataReader reader)
    {
        var ciphertexts = reader.GetFieldValue<byte[][]>(14);
        // The driver reads an infinite timestamp as the greatest DateTime.
        var expiries = reader.GetFieldValue<DateTime[]>(15);
        if (ciphertexts.Length == 0) throw new FormatException("The endpoint has no live secret.");
        return new EndpointLease
        {
            Endpoint = reader.GetInt64(0),
            Bucket = reader.GetInt16(1),
            Id = WebhookEndpointId.Parse(reader.GetString(2)),
            Url = new Uri(reader.GetString(3)),
            FailureThreshold = reader.GetInt32(4),
            Epoch = reader.GetInt32(5),
            Cursor = reader.GetInt64(6),
            LeaseEpoch = reader.GetInt64(7),
            Version = reader.GetInt64(8),
            State = new StreamState(
                reader.GetInt32(9), reader.GetInt32(10), reader.IsDBNull(11) ? null : reader.GetFieldValue<DateTimeOffset>(11), reader.GetBoolean(12)),
            Blemished = reader.GetBoolean(13),
            IsRelaxed = reader.GetString(16) == "relaxed",
            MaxInFlight = reader.GetInt32(17),
            RateLimit = reader.IsDBNull(18) ? null : reader.GetInt32(18),
            Batch = reader.IsDBNull(19)
                ? null
                : new BatchSettings { MaxEvents = reader.GetInt32(19), MaxWait = reader.GetTimeSpan(20), MaxBytes = reader.GetInt32(21) },
            Ahead = reader.GetFieldValue<long[]>(22),
            DeferredAhead = reader.GetFieldValue<long[]>(23),
            NextDeferred = reader.IsDBNull(24) ? null : reader.GetFieldValue<DateTimeOffset>(24),
            CountedUntil = reader.IsDBNull(25) ? null : reader.GetFieldValue<DateTimeOffset>(25),
            Headers = reader.IsDBNull(26) ? EndpointHeaders.None : EndpointHeaders.Unprotect(reader.GetFieldValue<byte[]>(26), keyRing),
            Secrets = [.. ciphertexts.Select((ciphertext, i) =>
                new SigningSecret(keyRing.Unprotect(ciphertext), expiries[i] == DateTime.MaxValue ? null : new DateTimeOffset(expiries[i], TimeSpan.Zero)))],
        };
    }

    [LoggerMessage(1, LogLevel.Error, "A secret, the headers or the URL of endpoint {Endpoint} cannot be read; it is not delivered to", EventName = "SecretUnreadable")]
    private partial void LogUnreadable(Exception exception, string endpoint);
}

/// <summary>An endpoint that is leased, and the epoch of its lease.</summary>
internal sealed record HeldLease(long Endpoint, long LeaseEpoch);

internal static class PauseReasons
{
    public static string Word(this PauseReason reason) => reason switch
    {
        PauseReason.Gone => "gone",
        PauseReason.Failing => "failing",
        _ => "manual",
    };
}
