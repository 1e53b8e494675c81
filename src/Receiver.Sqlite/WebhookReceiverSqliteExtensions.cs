using Microsoft.Extensions.Logging;
using Webhooks.Receiver;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps a source's events in SQLite.</summary>
public static class WebhookReceiverSqliteExtensions
{
    /// <summary>Keeps the events in a file, and the marks in another beside it.</summary>
    /// <param name="builder">The source.</param>
    /// <param name="path">The file of received events; made when it is not there.</param>
    public static IWebhookReceiverBuilder UseSqliteInbox(this IWebhookReceiverBuilder builder, string path) =>
        builder.UseSqliteInbox(options => options.InboxPath = path);

    /// <summary>Keeps the events in a file, and the marks where the handlers write.</summary>
    /// <param name="builder">The source.</param>
    /// <param name="configure">Says where.</param>
    public static IWebhookReceiverBuilder UseSqliteInbox(this IWebhookReceiverBuilder builder, Action<SqliteInboxOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new SqliteInboxOptions();
        configure(options);
        if (string.IsNullOrWhiteSpace(options.InboxPath))
            throw new ArgumentException($"{nameof(SqliteInboxOptions.InboxPath)} of webhook source \"{builder.Name}\" is empty; it is the inbox file's path.", nameof(configure));
        return builder.UseInbox(services => new SqliteInbox(options, services.GetRequiredService<ILogger<SqliteInbox>>()));
    }
}
