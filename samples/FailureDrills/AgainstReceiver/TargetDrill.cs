using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>
/// Something that a sender, a network or an attacker may send to a receiver, and what it must answer. Nothing is needed of the receiver but its address and secret.
/// </summary>
/// <param name="Name">What it is called.</param>
/// <param name="Proves">What a receiver that passes keeps.</param>
/// <param name="Fix">What the integrator is to do when it does not.</param>
/// <param name="Requests">What is sent, in order.</param>
internal sealed record TargetDrill(string Name, string Proves, string Fix, IReadOnlyList<TargetRequest> Requests)
{
    /// <summary>Whether it needs the secret before the newest, as during a rotation.</summary>
    public bool NeedsOldSecret { get; init; }
}

/// <summary>One request and what it must be answered.</summary>
/// <param name="Words">For people.</param>
/// <param name="Number">Which of the drill's events it holds, from 1: the same number is the same event again.</param>
/// <param name="Accepted">Whether the answer must be 2xx; else it must be 4xx.</param>
internal sealed record TargetRequest(string Words, int Number, bool Accepted)
{
    /// <summary>What is done otherwise than a dispatcher would, given the body and the secrets.</summary>
    public Func<byte[], TargetSecrets, SignedPostOptions>? Spoil { get; init; }

    /// <summary>How many bytes of padding its data has.</summary>
    public int Padding { get; init; }
}

/// <summary>The secrets of the receiver under drill.</summary>
/// <param name="Newest">The live one.</param>
/// <param name="Old">Another live one, in its overlap; null when there is none.</param>
internal sealed record TargetSecrets(WebhookSecret Newest, WebhookSecret? Old);

/// <summary>An answer that is not the one that was to come.</summary>
/// <param name="Words">What was sent, what came, what was to come.</param>
/// <param name="Kind">What came.</param>
/// <param name="WasRight">Whether the request was a right one, to be accepted.</param>
internal sealed record WrongAnswer(string Words, AnswerKind Kind, bool WasRight);

/// <summary>What was answered to a drill's requests.</summary>
/// <param name="Drill">The drill.</param>
/// <param name="Wrong">What was answered otherwise; none when it passed.</param>
/// <param name="Skipped">Why it was not run; null when it was.</param>
internal sealed record TargetResult(TargetDrill Drill, IReadOnlyList<WrongAnswer> Wrong, string? Skipped)
{
    public bool HasPassed => Skipped is null && Wrong.Count == 0;
}
