using Webhooks.Dispatcher.Database;

namespace Webhooks.Dispatcher.Epochs;

/// <inheritdoc/>
internal sealed class WebhookDispatcherAdministration(EpochGuard epochs, Migrator migrator) : IWebhookDispatcherAdministration
{
    private const int MaxReason = 500;

    public Task<RaisedEpoch> RaiseEpochAsync(string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reason);
        return reason.Trim().Length is > 0 and <= MaxReason
            ? epochs.RaiseAsync(reason.Trim(), cancellationToken)
            : throw new WebhookValidationException("reason", $"Must have 1 to {MaxReason} characters.");
    }

    public Task<int> MigrateAsync(CancellationToken cancellationToken = default) => migrator.MigrateAsync(cancellationToken);
}
