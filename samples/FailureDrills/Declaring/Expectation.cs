using Webhooks.FailureDrills.Seeing;

namespace Webhooks.FailureDrills.Declaring;

/// <summary>Something that must be seen.</summary>
/// <param name="Words">For people: a sentence without its full stop.</param>
/// <param name="Look">Where it is looked for.</param>
/// <param name="Check">Null when it is seen, else what is seen instead; pure.</param>
internal sealed record Expectation(string Words, Look Look, Func<Evidence, string?> Check);

/// <summary>Where something is looked for; each costs time.</summary>
[Flags]
internal enum Look
{
    /// <summary>The stub's journal.</summary>
    Stub = 1,

    /// <summary>The dispatcher's database: stream, attempts, settlements, operational events.</summary>
    Platform = 2,

    /// <summary>The receiver's inbox and effects.</summary>
    Receiver = 4,

    All = Stub | Platform | Receiver,
}
