namespace Webhooks.Conformance.Cases;

/// <summary>What a case cannot be judged without.</summary>
[Flags]
internal enum Needs
{
    Nothing = 0,
    Observer = 1,
    Feed = 2,
    Restart = 4,
    SecondNode = 8,
    OldSecret = 16,
    ExpiredSecret = 32,
    Log = 64,

    /// <summary>A receiver that keeps to the numbers.</summary>
    Order = 128,
}

/// <summary>One promise of a receiver, and how it is checked from outside.</summary>
/// <param name="name">What it is called on the command line.</param>
/// <param name="title">The promise.</param>
/// <param name="why">What goes wrong without it, and how it is checked.</param>
/// <param name="needs">What it cannot be judged without.</param>
internal abstract class ConformanceCase(string name, string title, string why, Needs needs = Needs.Nothing)
{
    public string Name => name;

    public string Title => title;

    public string Why => why;

    public Needs Needs => needs;

    /// <exception cref="CaseFailedException">The promise is broken.</exception>
    public abstract Task RunAsync(CaseRun run);
}

/// <summary>The receiver does not do what it should.</summary>
internal sealed class CaseFailedException(string message) : Exception(message);

/// <summary>Not the receiver: what is around it does not do its part, and nothing can be judged.</summary>
internal sealed class EnvironmentTroubleException(string message) : Exception(message);
