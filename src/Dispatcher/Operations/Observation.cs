using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sequencing;

namespace Webhooks.Dispatcher.Operations;

/// <summary>An observer as it was registered.</summary>
/// <param name="Name">Under which its position is stored.</param>
/// <param name="Create">Makes one, in a scope of its own.</param>
internal sealed record ObserverRegistration(string Name, Func<IServiceProvider, IWebhookObserver> Create);

/// <summary>Tells one observer what happened, in one process at a time.</summary>
internal sealed partial class Observation(
    ObserverRegistration registration, OperationsLog log, WebhookDatabase database, IServiceScopeFactory scopes, IOptions<WebhookDispatcherOptions> options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LeaseBeyondTimeout = TimeSpan.FromSeconds(10);

    private readonly Guid _owner = Guid.NewGuid();

    private OperationsOptions Options => options.Value.Operations;

    // An observer that takes all the time that it may still has the lease.
    private TimeSpan Lease => Options.ObserverTimeout + LeaseBeyondTimeout;

    /// <summary>Tells what is new. How many events were told, and whether there are more, or one that was not taken.</summary>
    public async Task<ObservedEvents> RunOnceAsync(CancellationToken cancel)
    {
        if (await log.ClaimAsync(registration.Name, _owner, Lease, cancel) is not { } state) return ObservedEvents.Elsewhere;
        await using var connection = await database.OpenAsync(cancel);
        var read = await log.ReadAsync(connection, state, cancel);
        for (var told = 0; told < read.Events.Count; told++)
        {
            if (!await TellAsync(read.Events[told], cancel)) return new ObservedEvents(told, More: false, Failed: true);
            // One after the other: what follows may fail, and an event is told again only if its own place was not stored.
            var upTo = read.Events.Take(told + 1).Select(one => one.Number).ToList();
            if (!await StoreAsync(connection, state.Advance(upTo, read.Complete && told == read.Events.Count - 1, read.Xmin, read.Horizon), cancel)) return ObservedEvents.Elsewhere;
        }

        return new ObservedEvents(read.Events.Count, !read.Complete, Failed: false);
    }

    public Task ReleaseAsync() => log.ReleaseAsync(registration.Name, _owner, CancellationToken.None);

    private Task<bool> StoreAsync(NpgsqlConnection connection, GapSet state, CancellationToken cancel) =>
        log.StoreAsync(connection, registration.Name, _owner, state, Lease, cancel);

    private async Task<bool> TellAsync(WebhookOperationalEvent one, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(Options.ObserverTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            await registration.Create(scope.ServiceProvider).ObserveAsync(one, either.Token).WaitAsync(either.Token);
            return true;
        }
        catch (Exception exception) when (!cancel.IsCancellationRequested)
        {
            LogFailed(exception, registration.Name, one.Number, one.Type);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Observer {Observer} did not take operational event {Number} ({Type}); it is told again", EventName = "ObserverFailed")]
    private partial void LogFailed(Exception exception, string observer, long number, string type);
}

/// <summary>What a round came to.</summary>
/// <param name="Told">How many events were told and stored as told.</param>
/// <param name="More">Whether there are more at once.</param>
/// <param name="Failed">Whether one was not taken.</param>
internal readonly record struct ObservedEvents(int Told, bool More, bool Failed)
{
    /// <summary>Another process observes under this name.</summary>
    public static readonly ObservedEvents Elsewhere;
}
