using System.Text.RegularExpressions;

namespace Webhooks.Receiver;

/// <summary>Where a source's inbox is kept, and how its nodes share it.</summary>
public sealed partial class PostgreSqlInboxOptions
{
    /// <summary>
    /// The database; the one where handlers write, for their transactions are in it. Null (the default): the <c>NpgsqlDataSource</c> among the
    /// application's services is used.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// The schema that the inbox has to itself; made when it is not there. Lower-case letters, digits and <c>_</c>, at most 40. Several sources may share one.
    /// </summary>
    /// <value>Default: <c>webhook_inbox</c>.</value>
    public string Schema { get; set; } = "webhook_inbox";

    /// <summary>
    /// How long after the death of a node another one goes on with its sources: 1 second to 10 minutes. The lease is renewed three times within it, for all
    /// sources of a node with one small write. A node that stops in its own way hands over at once.
    /// </summary>
    /// <value>Default: 15 seconds.</value>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// After how long the server ends a handler's transaction in which nothing happens, so that a machine that vanished does not keep what its handler had
    /// locked: 1 second to 1 hour, and longer than <see cref="WebhookReceiverOptions.HandlerTimeout"/>.
    /// </summary>
    /// <value>Default: 2 minutes.</value>
    public TimeSpan IdleTransactionTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>What is wrong, naming the key and what it may be; null when nothing is.</summary>
    internal string? Error()
    {
        if (ConnectionString is not null && string.IsNullOrWhiteSpace(ConnectionString))
            return $"{nameof(ConnectionString)} is empty; it names the database, or is null for the NpgsqlDataSource of the services.";
        if (!SchemaName().IsMatch(Schema)) return $"{nameof(Schema)} is \"{Schema}\"; it has lower-case letters, digits and _, begins with a letter or _, and has at most 40.";
        if (LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration > TimeSpan.FromMinutes(10))
            return $"{nameof(LeaseDuration)} is {LeaseDuration}; it is from 00:00:01 to 00:10:00.";
        if (IdleTransactionTimeout < TimeSpan.FromSeconds(1) || IdleTransactionTimeout > TimeSpan.FromHours(1))
            return $"{nameof(IdleTransactionTimeout)} is {IdleTransactionTimeout}; it is from 00:00:01 to 01:00:00.";
        return null;
    }

    [GeneratedRegex(@"\A[a-z_][a-z0-9_]{0,39}\z")]
    private static partial Regex SchemaName();
}
