using System.Globalization;
using Webhooks.Signing;

namespace Webhooks.Interop;

/// <summary>Any Standard Webhooks library verifies what we sign, and we verify what it signs.</summary>
[Collection(NodeCollection.Name)]
public class SignatureTests(NodeWebhooks node)
{
    private const string Id = "evt_2Z9rLmQ0";

    private static readonly WebhookSecret Secret = WebhookSecret.Generate();

    // The libraries read the machine's clock and can't be given another.
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;

    [NodeTheory, MemberData(nameof(Bodies.Names), MemberType = typeof(Bodies))]
    public async Task SignedByUs_BothLibrariesVerify(string name)
    {
        var body = Bodies.Named(name);
        foreach (var library in NodeWebhooks.Libraries)
            Assert.Equal(new(true, null), await node.VerifyAsync(library, Secret.Reveal(), Headers(Sign(body, Secret)), body));
    }

    [NodeTheory, MemberData(nameof(Bodies.Names), MemberType = typeof(Bodies))]
    public async Task SignedByTheLibraries_WeVerifyAndWouldHaveSignedTheSame(string name)
    {
        var body = Bodies.Named(name);
        foreach (var library in NodeWebhooks.Libraries)
        {
            var signature = await node.SignAsync(library, Secret.Reveal(), Id, Time, body);
            Assert.Equal(VerificationStatus.Valid, Verify(signature, body).Status);
            Assert.Equal(Sign(body, Secret), signature);
        }
    }

    [NodeTheory, MemberData(nameof(Bodies.Names), MemberType = typeof(Bodies))]
    public async Task TamperedBody_AllThreeRefuse(string name)
    {
        var body = Bodies.Named(name);
        var signature = Sign(body, Secret);
        foreach (var tampered in (byte[][])[[.. body, (byte)' '], [(byte)' ', .. body], [.. body[..^1], (byte)(body[^1] ^ 1)]])
        {
            Assert.Equal(VerificationStatus.NoMatchingSignature, Verify(signature, tampered).Status);
            foreach (var library in NodeWebhooks.Libraries)
                Assert.Equal(
                    new(false, "No matching signature found"), await node.VerifyAsync(library, Secret.Reveal(), Headers(signature), tampered));
        }
    }

    [NodeFact]
    public async Task Rotation_LibraryHoldingEitherSecretVerifies()
    {
        var body = Bodies.Named("ordinary");
        var (older, newer, foreign) = (WebhookSecret.Generate(24), WebhookSecret.Generate(64), WebhookSecret.Generate());
        var headers = Headers(Sign(body, newer, older));
        foreach (var library in NodeWebhooks.Libraries)
        {
            Assert.True((await node.VerifyAsync(library, newer.Reveal(), headers, body)).Valid);
            Assert.True((await node.VerifyAsync(library, older.Reveal(), headers, body)).Valid);
            Assert.False((await node.VerifyAsync(library, foreign.Reveal(), headers, body)).Valid);
        }
    }

    [NodeFact]
    public async Task Rotation_SignedByLibraryWithEitherSecret_OurReceiverHoldingBothVerifies()
    {
        var body = Bodies.Named("unicode");
        WebhookSecret[] held = [WebhookSecret.Generate(), WebhookSecret.Generate()];
        foreach (var library in NodeWebhooks.Libraries)
        {
            for (var i = 0; i < held.Length; i++)
            {
                var signature = await node.SignAsync(library, held[i].Reveal(), Id, Time, body);
                Assert.Equal(new VerificationResult(VerificationStatus.Valid, i, Time), Verify(signature, body, held));
            }
        }
    }

    [NodeFact]
    public async Task SecretOfEveryLength_MeansTheSameKeyToAllThree()
    {
        var body = Bodies.Named("ordinary");
        for (var length = WebhookSecret.MinBytes; length <= WebhookSecret.MaxBytes; length++)
        {
            var secret = WebhookSecret.Generate(length);
            foreach (var library in NodeWebhooks.Libraries)
                Assert.Equal(Sign(body, secret), await node.SignAsync(library, secret.Reveal(), Id, Time, body));
        }
    }

    [NodeFact]
    public async Task StaleOrFutureMessage_AllThreeRefuse()
    {
        var body = Bodies.Named("ordinary");
        foreach (var (seconds, ours, theirs) in ((int, VerificationStatus, string)[])
            [(-600, VerificationStatus.TimestampTooOld, "Message timestamp too old"),
             (600, VerificationStatus.TimestampTooNew, "Message timestamp too new")])
        {
            var time = Time + seconds;
            var signature = WebhookSigner.Sign(Id, time, body, [Secret]);
            Assert.Equal(ours, WebhookVerifier.Verify(Id, Text(time), signature, body, [Secret], _now).Status);
            foreach (var library in NodeWebhooks.Libraries)
                Assert.Equal(new(false, theirs), await node.VerifyAsync(library, Secret.Reveal(), Headers(signature, time), body));
        }
    }

    [NodeFact]
    public async Task OwnHeaderNames_AreWhatTheLibrariesLookFor()
    {
        var body = Bodies.Named("ordinary");
        var headers = Headers(Sign(body, Secret));
        foreach (var library in NodeWebhooks.Libraries)
        {
            foreach (var name in headers.Keys)
            {
                var without = headers.Where(it => it.Key != name).ToDictionary();
                Assert.Equal(new(false, "Missing required headers"), await node.VerifyAsync(library, Secret.Reveal(), without, body));
            }
        }
    }

    private long Time => _now.ToUnixTimeSeconds();

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private string Sign(byte[] body, params WebhookSecret[] secrets) => WebhookSigner.Sign(Id, Time, body, secrets);

    private VerificationResult Verify(string signature, byte[] body, params WebhookSecret[] secrets) =>
        WebhookVerifier.Verify(Id, Text(Time), signature, body, secrets.Length > 0 ? secrets : [Secret], _now);

    private Dictionary<string, string> Headers(string signature, long? time = null) => new()
    {
        [WebhookHeaders.Id] = Id,
        [WebhookHeaders.Timestamp] = Text(time ?? Time),
        [WebhookHeaders.Signature] = signature,
    };
}
