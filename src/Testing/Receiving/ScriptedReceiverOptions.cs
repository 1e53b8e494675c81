namespace Webhooks.Testing;

/// <summary>How a <see cref="ScriptedReceiver"/> is set up.</summary>
public sealed class ScriptedReceiverOptions
{
    /// <summary>Whether the bodies of captured requests are kept; default true.</summary>
    public bool KeepBodies { get; init; } = true;

    /// <summary>How many of the latest requests are kept; default 100,000. With 0 requests are only counted, as benchmarks want it.</summary>
    public int KeepRequests { get; init; } = 100_000;

    /// <summary>The TCP port on 127.0.0.1; 0 (the default) takes a free one. It stays the same when the receiver is started again.</summary>
    public int Port { get; init; }

    /// <summary>The clock of arrivals and delays; default the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
