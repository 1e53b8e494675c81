using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Webhooks.Receiver;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps a source's events in PostgreSQL.</summary>
public static class WebhookReceiverPostgreSqlExtensions
{
    /// <summary>Keeps the events and the marks in a database.</summary>
    /// <param name="builder">The source.</param>
    /// <param name="connectionString">The database where handlers write.</param>
    public static IWebhookReceiverBuilder UsePostgreSqlInbox(this IWebhookReceiverBuilder builder, string connectionString) =>
        builder.UsePostgreSqlInbox(options => options.ConnectionString = connectionString);

    /// <summary>Keeps the events and the marks in a database: that of the <c>NpgsqlDataSource</c> among the services, unless a connection string is set.</summary>
    /// <param name="builder">The source.</param>
    /// <param name="configure">Says where.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static IWebhookReceiverBuilder UsePostgreSqlInbox(this IWebhookReceiverBuilder builder, Action<PostgreSqlInboxOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new PostgreSqlInboxOptions();
        configure?.Invoke(options);
        if (options.Error() is { } error) throw new ArgumentException($"{error} (inbox of webhook source \"{builder.Name}\")", nameof(configure));
        builder.Services.TryAddSingleton<PostgreSqlInboxes>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, InboxStart>());
        return builder.UseInbox(services => services.GetRequiredService<PostgreSqlInboxes>().Get(builder.Name, options));
    }
}
