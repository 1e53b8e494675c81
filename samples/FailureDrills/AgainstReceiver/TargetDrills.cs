using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.FailureDrills.AgainstReceiver;

/// <summary>The drills that need only a receiver's address and secret. What must show in its effects, ./eng/conformance judges.</summary>
internal static class TargetDrills
{
    private const int Oversized = 2 * 1024 * 1024;

    public static IReadOnlyList<TargetDrill> All { get; } =
    [
        new("signature-right", "A delivery with a right signature is accepted",
            "Verify over the bytes of the body as they came, with id.timestamp.body as the signed content and the base64 part of the secret as the key; "
            + "and check that this is the endpoint's secret, and --endpoint the id that it is configured with.",
            [Right(1)]),
        new("signature-wrong", "What another secret signed is refused",
            "Compare the computed signature with each one in webhook-signature before anything else is done with the request, and answer 401 when none is equal.",
            [Wrong("signed with another secret", 1, (_, _) => new SignedPostOptions { Secrets = [WebhookSecret.Generate()] })]),
        new("signature-missing", "A request without a signature is refused",
            "Answer 400 or 401 to a request that lacks one of the three webhook- headers; never take it for trusted because it lacks them.",
            [Wrong("without webhook-signature", 1, (_, _) => new SignedPostOptions { SignatureHeader = "" })]),
        new("body-altered", "A body that was changed after signing is refused",
            "Verify the bytes as they came. A body that was parsed and written again is another one, and a change in it goes unnoticed.",
            [Wrong("with a space behind the signed body", 1, (body, _) => new SignedPostOptions { BodySent = (byte[])[.. body, (byte)' '] })]),
        new("duplicate", "The same event again is accepted",
            "Remember the ids (or numbers) that were stored and answer 2xx to one that is known: "
            + "the sender tries again until it is accepted, and gives up on an endpoint that refuses.",
            [Right(1), Again(1), Again(1)]),
        new("reordered", "An event that comes before the one ahead of it is accepted",
            "Store what comes and put it in order afterwards, by its number; the answer says that it is stored, and no more. A gap never changes the answer.",
            [Right(2), Right(1)]),
        new("replay-old", "A request of ten minutes ago is refused, though its signature is right",
            "Compare webhook-timestamp with the clock and refuse what lies more than five minutes away; check that the machine's clock is synchronised.",
            [Wrong("signed ten minutes ago", 1, (_, _) => new SignedPostOptions { SignedAt = DateTimeOffset.UtcNow.AddMinutes(-10) })]),
        new("replay-future", "A request dated ten minutes ahead is refused",
            "The tolerance holds on either side: a timestamp ahead of the clock would let a request be replayed for as long as it lies ahead.",
            [Wrong("signed ten minutes ahead", 1, (_, _) => new SignedPostOptions { SignedAt = DateTimeOffset.UtcNow.AddMinutes(10) })]),
        new("oversized", "A body of two megabytes is refused",
            "Bound the body (1 MiB is enough for every event and batch) and answer 413 beyond it, before it is verified or parsed.",
            [new TargetRequest("with two megabytes of data", 1, Accepted: false) { Padding = Oversized }]),
        new("rotation", "During an overlap either secret is accepted, and both signatures together",
            "Hold a list of live secrets and accept a request that any of them signed; take new secrets up without a restart.",
            [
                Right(1) with { Words = "signed with the old secret alone", Spoil = (_, secrets) => new SignedPostOptions { Secrets = [secrets.Old!] } },
                Right(2) with { Words = "signed with both, the newest first", Spoil = (_, secrets) => new SignedPostOptions { Secrets = [secrets.Newest, secrets.Old!] } },
                Right(3) with { Words = "signed with the new secret alone" },
            ]) { NeedsOldSecret = true },
    ];

    private static TargetRequest Right(int number) => new($"event {number}", number, Accepted: true);

    private static TargetRequest Again(int number) => new($"event {number} again", number, Accepted: true);

    private static TargetRequest Wrong(string words, int number, Func<byte[], TargetSecrets, SignedPostOptions> spoil) => new(words, number, Accepted: false) { Spoil = spoil };
}
