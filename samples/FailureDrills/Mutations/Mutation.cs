namespace Webhooks.FailureDrills.Mutations;

/// <summary>A safeguard that can be switched off in a copy of the source, to see that a drill notices. The product itself holds no such switch.</summary>
/// <param name="Name">What it is called, in drills as well: lower-case words with hyphens.</param>
/// <param name="Without">What is switched off, for people.</param>
/// <param name="File">The source file, from the root of the repository.</param>
/// <param name="Find">A text that is in the file exactly once.</param>
/// <param name="Replacement">What stands there instead; <see cref="Off"/> in it is true when the safeguard is off.</param>
internal sealed record Mutation(string Name, string Without, string File, string Find, string Replacement)
{
    /// <summary>Names the switched-off safeguard to the processes of a mutated build.</summary>
    public const string Variable = "WEBHOOKS_MUTATION";

    /// <summary>Stands in a replacement in C# for "this safeguard is off".</summary>
    public const string Off = "$OFF";
}
