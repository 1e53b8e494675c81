using System.Globalization;

namespace Webhooks.Conformance.Wire;

/// <summary>What came back: a status, or how the connection ended without one.</summary>
internal readonly record struct WireAnswer(int Status, string? Trouble = null, TimeSpan? RetryAfter = null)
{
    public static WireAnswer None(string trouble) => new(0, trouble);

    public bool IsAccepted => Status is >= 200 and < 300;

    /// <summary>
    /// Whether the sender is told that this request is bad, and no more than that: 410 would end delivery for good, 408 and 429 ask for the same once more.
    /// </summary>
    public bool IsRefusal => Status is >= 400 and < 500 and not (408 or 410 or 429);

    public override string ToString() => Status > 0 ? Status.ToString(CultureInfo.InvariantCulture) : $"no answer ({Trouble})";
}
