namespace Webhooks.Dispatcher;

/// <summary>What an operator does to the whole dispatcher.</summary>
public interface IWebhookDispatcherAdministration
{
    /// <summary>
    /// Begins a new epoch in every stream, behind the highest number that the database knows. To be called after a restore that the dispatcher cannot notice by itself (see
    /// <c>docs/runbook-restore.md</c>), before any process numbers events again. Called without need it does no harm: receivers take note of the epoch and go on.
    /// </summary>
    /// <param name="reason">Why, for the operational event and the log: 1 to 500 characters.</param>
    /// <param name="cancellationToken">Gives up; then nothing was raised.</param>
    /// <exception cref="WebhookValidationException">The reason is empty or too long.</exception>
    Task<RaisedEpoch> RaiseEpochAsync(string reason, CancellationToken cancellationToken = default);

    /// <summary>
    /// Brings the schema up to date, as starting does while <see cref="WebhookDispatcherOptions.MigrateAtStart"/> is set: for a deployment whose processes connect with a role that
    /// may not. Several at a time do no harm; one does the work, the others wait for it.
    /// </summary>
    /// <param name="cancellationToken">Gives up; then nothing was changed.</param>
    /// <returns>How many migrations were applied; 0 when the schema was up to date.</returns>
    Task<int> MigrateAsync(CancellationToken cancellationToken = default);
}

/// <summary>What raising the epoch did.</summary>
/// <param name="Epoch">The epoch that every stream has now. It is higher than any before; by how much has no meaning.</param>
/// <param name="Streams">How many streams there are.</param>
/// <param name="CursorsTakenBack">In how many of them numbers counted as settled that the database does not know.</param>
public sealed record RaisedEpoch(int Epoch, int Streams, int CursorsTakenBack);
