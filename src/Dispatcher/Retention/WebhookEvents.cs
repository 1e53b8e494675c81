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
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > MaxReasonLength || !EventRules.CanBeStored(reason))
            throw new WebhookValidationException("reason", $"Must have 1 to {MaxReasonLength} characters, no NUL and no half of a surrogate pair.");
        await using (var expunge = database.Command("Retention/expunge", application.Value, eventId.Guid, reason))
        await using (var found = await expunge.ExecuteReaderAsync(cancellationToken))
        {
            if (!await found.ReadAsync(cancellationToken))
                throw new WebhookNotFoundException($"Application {application} has no event {eventId}, or it is no longer kept.");
            fresh.Forget(found.GetInt16(0), found.GetInt64(1));
        }

        // Whoever has read ahead reads again.
        var leased = new List<long>();
        await using (var command = database.Command("Retention/leased_endpoints", application.Value))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
            while (await reader.ReadAsync(cancellationToken)) leased.Add(reader.GetInt64(0));
        foreach (var endpoint in leased) await wake.EndpointAsync(endpoint, cancellationToken);
    }
}
