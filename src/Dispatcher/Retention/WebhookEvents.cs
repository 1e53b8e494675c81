using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Hosting;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Retention;

internal sealed class WebhookEvents(WebhookDatabase database, FreshEvents fresh, Wake wake) : IWebhookEvents
{
    private const int MaxReasonLength = 500;

    public async Task ExpungeAsync(
        WebhookApplicationId application, WebhookEventId eventId, string reason, CancellationToken cancellationToken = default)
    {
        await using (var connection = await database.OpenAsync(cancellationToken))
            if (!await ExpungeAsync(connection, application, eventId, reason, cancellationToken))
                throw new WebhookNotFoundException($"Application {application} has no event {eventId}, or it is no longer kept.");
        await AfterExpungeAsync(application, cancellationToken);
    }

    /// <summary>Takes the data away in the caller's transaction; false when there is no such event. Call <see cref="AfterExpungeAsync"/> when it has committed.</summary>
    public async Task<bool> ExpungeAsync(NpgsqlConnection connection, WebhookApplicationId application, WebhookEventId eventId, string reason, CancellationToken cancel)
    {
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > MaxReasonLength || !EventRules.CanBeStored(reason))
            throw new WebhookValidationException("reason", $"Must have 1 to {MaxReasonLength} characters, no NUL and no half of a surrogate pair.");
        await using var expunge = database.Command(connection, "Retention/expunge", application.Value, eventId.Guid, reason);
        await using var found = await expunge.ExecuteReaderAsync(cancel);
        if (!await found.ReadAsync(cancel)) return false;
        // Too early does no harm: what is not at hand is read back.
        fresh.Forget(found.GetInt16(0), found.GetInt64(1));
        return true;
    }

    /// <summary>Whoever has read ahead reads again.</summary>
    public async Task AfterExpungeAsync(WebhookApplicationId application, CancellationToken cancellationToken)
    {
        var leased = new List<long>();
        await using (var command = database.Command("Retention/leased_endpoints", application.Value))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
            while (await reader.ReadAsync(cancellationToken)) leased.Add(reader.GetInt64(0));
        foreach (var endpoint in leased) await wake.EndpointAsync(endpoint, cancellationToken);
    }
}
