using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Publishing;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Endpoints;

internal sealed class WebhookEndpoints(
    WebhookDatabase database, KeyRing keyRing, Wake wake, StreamControl control, AddressPolicy addresses, IOptions<WebhookDispatcherOptions> options)
    : IWebhookEndpoints
{
    public Task<CreatedEndpoint> CreateAsync(WebhookApplicationId application, EndpointSettings settings, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => CreateAsync(connection, application, settings, cancellationToken), cancellationToken);

    /// <summary>Creates in the caller's transaction.</summary>
    public async Task<Uncommitted<CreatedEndpoint>> CreateAsync(
        NpgsqlConnection connection, WebhookApplicationId application, EndpointSettings settings, CancellationToken cancel)
    {
        Check(settings);
        var id = WebhookEndpointId.New();
        var secret = settings.Secret ?? WebhookSecret.Generate();
        var headers = Headers(settings) ?? EndpointHeaders.None;
        await using var command = database.Command(
            connection, "Endpoints/create", application.Value, id.Value, settings.Url, settings.EventTypes.ToArray(), settings.Description, settings.FailureThreshold,
            settings.ReceiverAccess.Word(), settings.Since?.ToUniversalTime(), keyRing.Protect(secret), settings.Ordering.Word(), settings.MaxInFlight,
            settings.RateLimit, settings.Batch?.MaxEvents, settings.Batch?.MaxWait, settings.Batch?.MaxBytes,
            headers.Protect(keyRing), headers.Values.Keys.ToArray());
        var change = await ChangeAsync(command, $"There is no application {application}.", cancel);
        return new(new CreatedEndpoint(id, secret.ForReceiver()), change.AfterCommit);
    }

    public Task UpdateAsync(WebhookEndpointId endpoint, EndpointSettings settings, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => UpdateAsync(connection, endpoint, settings, cancellationToken), cancellationToken);

    /// <summary>Replaces the settings in the caller's transaction. Gives the endpoint's key, as the others do.</summary>
    public async Task<Uncommitted<long>> UpdateAsync(NpgsqlConnection connection, WebhookEndpointId endpoint, EndpointSettings settings, CancellationToken cancel)
    {
        Check(settings);
        var headers = Headers(settings);
        await using var command = database.Command(
            connection, "Endpoints/update", endpoint.Value, settings.Url, settings.EventTypes.ToArray(), settings.Description, settings.FailureThreshold,
            settings.ReceiverAccess.Word(), settings.Ordering.Word(), settings.MaxInFlight,
            settings.RateLimit, settings.Batch?.MaxEvents, settings.Batch?.MaxWait, settings.Batch?.MaxBytes,
            headers is not null, headers?.Protect(keyRing), headers?.Values.Keys.ToArray());
        return await ChangeAsync(command, Missing(endpoint), cancel);
    }

    public Task DeleteAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => DeleteAsync(connection, endpoint, cancellationToken), cancellationToken);

    /// <summary>Deletes in the caller's transaction.</summary>
    public async Task<Uncommitted<long>> DeleteAsync(NpgsqlConnection connection, WebhookEndpointId endpoint, CancellationToken cancel)
    {
        await using var command = database.Command(connection, "Endpoints/delete", endpoint.Value);
        return await ChangeAsync(command, Missing(endpoint), cancel);
    }

    /// <exception cref="WebhookValidationException">Says what is wrong, for every field.</exception>
    public void Check(EndpointSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        EndpointRules.Check(settings, options.Value.Sending, addresses);
    }

    public Task<StreamStatus> GetStreamAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default) =>
        control.GetAsync(endpoint, cancellationToken);

    public Task PauseAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default) => control.PauseAsync(endpoint, cancellationToken);

    public Task ResumeAsync(WebhookEndpointId endpoint, long? after = null, CancellationToken cancellationToken = default) =>
        control.ResumeAsync(endpoint, after, cancellationToken);

    public Task<int> ReplayAsync(WebhookEndpointId endpoint, long first, long last, CancellationToken cancellationToken = default) =>
        control.ReplayAsync(endpoint, first, last, cancellationToken);

    public Task SkipAsync(WebhookEndpointId endpoint, long seq, CancellationToken cancellationToken = default) =>
        control.SkipAsync(endpoint, seq, cancellationToken);

    public Task<WebhookEventId> TestAsync(WebhookEndpointId endpoint, TestEvent? test = null, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => TestAsync(connection, endpoint, test ?? new TestEvent(), null, cancellationToken), cancellationToken);

    /// <summary>Publishes an event for this endpoint alone in the caller's transaction.</summary>
    public async Task<Uncommitted<WebhookEventId>> TestAsync(NpgsqlConnection connection, WebhookEndpointId endpoint, TestEvent test, long? apiKey, CancellationToken cancel)
    {
        EventRules.Check(test, options.Value.Publishing.MaxDataBytes);
        var id = WebhookEventId.NewGuids(1)[0];
        await using var command = database.Command(connection, "Endpoints/test", endpoint.Value, id, test.Type, test.Data.ToArray(), apiKey);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) throw new WebhookNotFoundException(Missing(endpoint));
        var bucket = reader.GetInt16(1);
        return new(new WebhookEventId(id), () =>
        {
            wake.Committed([bucket]);
            return Task.CompletedTask;
        });
    }

    public Task<WebhookSecret> RotateSecretAsync(
        WebhookEndpointId endpoint, TimeSpan? overlap = null, WebhookSecret? secret = null, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => RotateSecretAsync(connection, endpoint, overlap, secret, cancellationToken), cancellationToken);

    /// <summary>Gives the endpoint a new secret in the caller's transaction.</summary>
    public async Task<Uncommitted<WebhookSecret>> RotateSecretAsync(
        NpgsqlConnection connection, WebhookEndpointId endpoint, TimeSpan? overlap, WebhookSecret? secret, CancellationToken cancel)
    {
        var kept = overlap ?? EndpointRules.DefaultOverlap;
        EndpointRules.CheckOverlap(kept);
        secret ??= WebhookSecret.Generate();
        EndpointRules.CheckSecret(secret);
        var change = await ChangeSecretsAsync(connection, endpoint, (key, live) =>
        {
            if (live.Exists(old => old.Secret.Equals(secret)))
                throw new WebhookValidationException("secret", "Must differ from the secrets that are live already.");
            return kept > TimeSpan.Zero && live.Count >= EndpointRules.MaxLiveSecrets
                ? throw new WebhookValidationException("secret",
                    $"An endpoint has at most {EndpointRules.MaxLiveSecrets} live secrets, and it has them: revoke one first, or let an overlap end.")
                : database.Step("Endpoints/rotate_secret", key, keyRing.Protect(secret), kept);
        }, cancel);
        return new(secret.ForReceiver(), change.AfterCommit);
    }

    public Task RevokeSecretAsync(WebhookEndpointId endpoint, string fingerprint, CancellationToken cancellationToken = default) =>
        database.CommitAsync(connection => RevokeSecretAsync(connection, endpoint, fingerprint, cancellationToken), cancellationToken);

    /// <summary>Ends a secret in the caller's transaction.</summary>
    public Task<Uncommitted<long>> RevokeSecretAsync(NpgsqlConnection connection, WebhookEndpointId endpoint, string fingerprint, CancellationToken cancel) =>
        ChangeSecretsAsync(connection, endpoint, (key, live) =>
        {
            var revoked = live.Find(one => one.Secret.Fingerprint == fingerprint)
                ?? throw new WebhookNotFoundException($"Endpoint {endpoint} has no live secret with the fingerprint {fingerprint}.");
            var newestOther = live.Find(one => one.Key != revoked.Key)
                ?? throw new WebhookValidationException("fingerprint", "It is the only live secret of the endpoint: rotate, then revoke it.");
            return database.Step("Endpoints/revoke_secret", key, revoked.Key, newestOther.Key);
        }, cancel);

    /// <summary>Takes the endpoint's row, so that what is read after it stays true until the commit.</summary>
    /// <exception cref="WebhookNotFoundException">There is no such endpoint.</exception>
    public async Task<long> LockAsync(NpgsqlConnection connection, WebhookEndpointId endpoint, CancellationToken cancel)
    {
        await using var take = database.Command(connection, "Endpoints/lock_endpoint", endpoint.Value);
        return await take.ExecuteScalarAsync(cancel) as long? ?? throw new WebhookNotFoundException(Missing(endpoint));
    }

    private async Task<Uncommitted<long>> ChangeSecretsAsync(
        NpgsqlConnection connection, WebhookEndpointId endpoint, Func<long, List<LiveSecret>, NpgsqlBatchCommand> decide, CancellationToken cancel)
    {
        var key = await LockAsync(connection, endpoint, cancel);
        var live = new List<LiveSecret>();
        await using (var command = database.Command(connection, "Endpoints/live_secrets", key))
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            while (await reader.ReadAsync(cancel))
                live.Add(new(reader.GetInt64(0), keyRing.LookAt(reader.GetFieldValue<byte[]>(1))));
        }

        await using (var batch = new NpgsqlBatch(connection) { BatchCommands = { decide(key, live) } })
            await batch.ExecuteNonQueryAsync(cancel);
        return new(key, () => wake.EndpointAsync(key, cancel));
    }

    /// <summary>Runs a change that answers with the endpoint's key and bucket; after the commit the sequencer and the pump are told.</summary>
    private async Task<Uncommitted<long>> ChangeAsync(NpgsqlCommand command, string missing, CancellationToken cancel)
    {
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) throw new WebhookNotFoundException(missing);
        var (key, bucket) = (reader.GetInt64(0), reader.GetInt16(1));
        return new(key, () =>
        {
            wake.Committed([bucket]);
            return wake.EndpointAsync(key, cancel);
        });
    }

    private static EndpointHeaders? Headers(EndpointSettings settings) => settings.Headers is { } headers ? new EndpointHeaders(headers) : null;

    private static string Missing(WebhookEndpointId endpoint) => $"There is no endpoint {endpoint}.";

    private sealed record LiveSecret(long Key, WebhookSecret Secret);
}
