namespace Webhooks.Receiver;

/// <summary>Where a source's events and marks are kept.</summary>
public sealed class SqliteInboxOptions
{
    /// <summary>The file of received events; made when it is not there. Several sources may share one.</summary>
    public string InboxPath { get; set; } = "";

    /// <summary>
    /// The database where handlers write, in which the marks "processed" are kept too.
    /// Default: a file beside the inbox, with <c>.processed</c> before its extension.
    /// </summary>
    public string? ProcessedConnectionString { get; set; }

    /// <summary>How long a locked file is waited for.</summary>
    /// <value>Default: 2 seconds.</value>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(2);
}
