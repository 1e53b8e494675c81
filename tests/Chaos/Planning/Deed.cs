using System.Globalization;

namespace Webhooks.Chaos.Planning;

internal enum DeedKind
{
    /// <summary>kill -9, and a new one after a while.</summary>
    Kill,

    /// <summary>SIGSTOP, and SIGCONT after more than a lease.</summary>
    Suspend,

    /// <summary>What <c>pg_ctl restart -m immediate</c> does.</summary>
    RestartDatabase,

    /// <summary><c>pg_terminate_backend</c> of some of the dispatchers' connections.</summary>
    TerminateConnections,

    /// <summary>A receiver answers wrongly.</summary>
    Fault,

    /// <summary>An operator pauses, and resumes after a while.</summary>
    Pause,

    /// <summary>An operator has numbers sent again.</summary>
    Rewind,

    /// <summary>An operator has numbers passed over; the receiver finds them in the feed.</summary>
    Skip,

    RotateSecret,

    CreateEndpoint,

    UpdateEndpoint,

    DeleteEndpoint,
}

internal enum Role
{
    Dispatcher,
    Receiver,
    Publisher,
}

/// <summary>How a receiver goes wrong.</summary>
internal enum Fault
{
    /// <summary>500.</summary>
    ServerError,

    /// <summary>503 with Retry-After.</summary>
    Unavailable,

    /// <summary>429 with Retry-After.</summary>
    Throttled,

    /// <summary>A right answer after a while.</summary>
    Slow,

    /// <summary>The event is stored after the sender has given up.</summary>
    TooSlow,

    /// <summary>The connection is reset and nothing is stored.</summary>
    ResetBefore,

    /// <summary>The event is stored and the connection is reset.</summary>
    ResetAfter,

    /// <summary>410, and an operator who resumes.</summary>
    Gone,
}

/// <summary>One thing that is done to the system: when, to whom, for how long, how much.</summary>
/// <param name="At">Since the beginning.</param>
/// <param name="Kind">What.</param>
/// <param name="Role">To what kind of process, where it is done to one.</param>
/// <param name="Whom">The process's or the endpoint's number.</param>
/// <param name="For">How long it lasts, or until it is undone.</param>
/// <param name="Amount">How many connections, requests or numbers.</param>
/// <param name="Fault">Which, where it is a fault.</param>
internal sealed record Deed(TimeSpan At, DeedKind Kind, Role? Role, int Whom, TimeSpan For, int Amount, Fault? Fault)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{At.TotalSeconds,7:0.0} s  {Kind,-20} {(Role is { } role ? role.ToString().ToLowerInvariant() : "endpoint")} {Whom}  {Fault}  for {For.TotalSeconds:0.0} s, {Amount}");
}
