namespace Webhooks.Testing;

/// <summary>How a PostgreSQL server is asked to stop.</summary>
public enum ShutdownMode
{
    /// <summary>Wait until every client has disconnected by itself, then stop cleanly.</summary>
    Smart,

    /// <summary>Disconnect every client, roll their transactions back, stop cleanly.</summary>
    Fast,

    /// <summary>Stop at once without a checkpoint; the next start recovers from the write-ahead log, as after a crash.</summary>
    Immediate,
}
