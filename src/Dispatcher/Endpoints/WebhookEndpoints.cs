using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Secrets;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Endpoints;

internal sealed class WebhookEndpoints(
    WebhookDatabase database, KeyRing keyRing, Wake wake, StreamControl control, AddressPolicy addresses, IOptions<WebhookDispatcherOptions> options)
    : IWebhookEndpoints
{
    public async Task<CreatedEndpoint> CreateAsync(
        WebhookApplicationId application, EndpointSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        EndpointRules.Check(settings, options.Value.Sending, addresses);
        var id = WebhookEndpointId.New();
        var secret = settings.Secret ?? WebhookSecret.Generate();
        await using var command = database.Command(
            "Endpoints/create", application.Value, id.Value, settings.Url, settings.EventTypes.ToArray(), settings.Description, settings.FailureThreshold,
            Access(settings.ReceiverAccess), settings.Since?.ToUniversalTime(), keyRing.Protect(secret), Ordering(settings), settings.MaxInFlight,
            settings.RateLimit, settings.Batch?.MaxEvents, settings.Batch?.MaxWait, settings.Batch?.MaxBytes);
        await ChangeAsync(command, $"There is no application {application}.", cancellationToken);
        return new CreatedEndpoint(id, secret);
    }

    public async Task UpdateAsync(WebhookEndpointId endpoint, EndpointSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        EndpointRules.Check(settings, options.Value.Sending, addresses);
        await using var command = database.Command(
            "Endpoints/update", endpoint.Value, settings.Url, settings.EventTypes.ToArray(), settings.Description, settings.FailureThreshold,
            Access(settings.ReceiverAccess), Ordering(settings), settings.MaxInFlight,
            settings.RateLimit, settings.Batch?.MaxEvents, settings.Batch?.MaxWait, settings.Batch?.MaxBytes);
        await ChangeAsync(command, Missing(endpoint), cancellationToken);
    }

    public async Task DeleteAsync(WebhookEndpointId endpoint, CancellationToken cancellationToken = default)
    {
        await using var command = database.Command("Endpoints/delete", endpoint.Value);
        await ChangeAsync(command, Missing(endpoint), cancellationToken);
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

    public async Task<WebhookSecret> RotateSecretAsync(
        WebhookEndpointId endpoint, TimeSpan? overlap = null, WebhookSecret? secret = null, CancellationToken cancellationToken = default)
    {
        var kept = overlap ?? EndpointRules.DefaultOverlap;
        EndpointRules.CheckOverlap(kept);
        secret ??= WebhookSecret.Generate();
        await ChangeSecretsAsync(endpoint, (key, live) =>
        {
            if (live.Exists(old => old.Secret.Equals(secret)))
                throw new WebhookValidationException("secret", "Must differ from the secrets that are live already.");
            return kept > TimeSpan.Zero && live.Count >= EndpointRules.MaxLiveSecrets
                ? throw new WebhookValidationException("secret",
                    $"An endpoint has at most {EndpointRules.MaxLiveSecrets} live secrets, and it has them: revoke one first, or let an overlap end.")
                : database.Step("Endpoints/rotate_secret", key, keyRing.Protect(secret), kept);
        }, cancellationToken);
        return secret;
    }

    public Task RevokeSecretAsync(WebhookEndpointId endpoint, string fingerprint, CancellationToken cancellationToken = default) =>
        ChangeSecretsAsync(endpoint, (key, live) =>
        {
            var revoked = live.Find(one => one.Secret.Fingerprint == fingerprint)
                ?? throw new WebhookNotFoundException($"Endpoint {endpoint} has no live secret with the fingerprint {fingerprint}.");
            var newestOther = live.Find(one => one.Key != revoked.Key)
                ?? throw new WebhookValidationException("secret", "It is the only live secret of the endpoint: rotate, then revoke it.");
            return database.Step("Endpoints/revoke_secret", key, revoked.Key, newestOther.Key);
        }, cancellationToken);

    private async Task ChangeSecretsAsync(
        WebhookEndpointId endpoint, Func<long, List<LiveSecret>, NpgsqlBatchCommand> decide, CancellationToken cancel)
    {
        long key;
        await using (var connection = await database.OpenAsync(cancel))
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            await using (var take = database.Command(connection, "Endpoints/lock_endpoint", endpoint.Value))
                key = await take.ExecuteScalarAsync(cancel) as long? ?? throw new WebhookNotFoundException(Missing(endpoint));
            var live = new List<LiveSecret>();
            await using (var command = database.Command(connection, "Endpoints/live_secrets", key))
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                while (await reader.ReadAsync(cancel))
                    live.Add(new(reader.GetInt64(0), keyRing.Unprotect(reader.GetFieldValue<byte[]>(1))));
            }

            await using (var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { decide(key, live) } })
                await batch.ExecuteNonQueryAsync(cancel);
            await transaction.CommitAsync(cancel);
        }

        await wake.EndpointAsync(key, cancel);
    }

    /// <summary>Runs a change that answers with the endpoint's key and bucket, and tells the sequencer and the pump.</summary>
    private async Task ChangeAsync(NpgsqlCommand command, string missing, CancellationToken cancel)
    {
        long key;
        short bucket;
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            if (!await reader.ReadAsync(cancel)) throw new WebhookNotFoundException(missing);
            key = reader.GetInt64(0);
            bucket = reader.GetInt16(1);
        }

        wake.Committed([bucket]);
        await wake.EndpointAsync(key, cancel);
    }

    private static string Missing(WebhookEndpointId endpoint) => $"There is no endpoint {endpoint}.";

    private static string Ordering(EndpointSettings settings) => settings.Ordering == EndpointOrdering.Relaxed ? "relaxed" : "strict";

    private static string Access(ReceiverAccess access) => access switch
    {
        ReceiverAccess.None => "none",
        ReceiverAccess.Feed => "feed",
        _ => "feed_and_resume",
    };

    private sealed record LiveSecret(long Key, WebhookSecret Secret);
}
