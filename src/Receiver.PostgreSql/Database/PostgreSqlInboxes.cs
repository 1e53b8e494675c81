using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Webhooks.Receiver;

/// <summary>The inboxes of this process: sources with the same options share one, and so its connections and its one lease renewal.</summary>
internal sealed class PostgreSqlInboxes(IServiceProvider services, ILoggerFactory loggers, TimeProvider time) : IAsyncDisposable
{
    private readonly Dictionary<Place, PostgreSqlInbox> _inboxes = [];

    public IReadOnlyCollection<PostgreSqlInbox> All
    {
        get
        {
            lock (_inboxes) return [.. _inboxes.Values];
        }
    }

    public PostgreSqlInbox Get(string source, PostgreSqlInboxOptions options)
    {
        var place = new Place(options.ConnectionString, options.Schema, options.LeaseDuration, options.IdleTransactionTimeout);
        lock (_inboxes)
        {
            if (_inboxes.TryGetValue(place, out var known)) return known;
            var given = options.ConnectionString is not null
                ? null
                : services.GetService<NpgsqlDataSource>() ?? throw new InvalidOperationException(
                    $"The PostgreSQL inbox of webhook source \"{source}\" has neither a connection string nor an NpgsqlDataSource among the services.");
            var inbox = new PostgreSqlInbox(new InboxDatabase(options, given), time, loggers);
            _inboxes.Add(place, inbox);
            return inbox;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var inbox in All) await inbox.DisposeAsync().ConfigureAwait(false);
    }

    private sealed record Place(string? ConnectionString, string Schema, TimeSpan Lease, TimeSpan Idle);
}
