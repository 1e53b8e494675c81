using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Signing.Tests;

/// <summary>What holds for every message, held against a few hundred that nobody chose.</summary>
public class PropertyTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true);

    private static readonly Gen<byte> Bytes = Gen.Choose(0, 255).Select(it => (byte)it);
    private static readonly Gen<byte[]> Bodies = Bytes.ArrayOf();
    private static readonly Gen<byte[]> Keys = Gen.Choose(24, 64).SelectMany(length => Bytes.ArrayOf(length));
    private static readonly Gen<long> Timestamps = Gen.Choose(0, int.MaxValue).Select(it => (long)it * 17 % 1_000_000_000_000);

    private static readonly Gen<string> Ids = Gen.Choose('!', '~').Where(it => it != '.').Select(it => (char)it).NonEmptyListOf()
        .Select(it => new string([.. it.Take(256)]));

    // Garbage made of what the parser looks for finds more than letters drawn evenly.
    private static readonly Gen<string> Garbage = Gen.Frequency(
        (3, Gen.Elements("v1", "v1a", "v2", ",", " ", "=", ".", "+", "-", "0", "9", "1614265330", "\0", "\n", "é", "\ud800", "😀", "AAAA",
            Vectors.WrongMac[3..], Vectors.WrongMac, new string('A', 44)).ListOf().Select(string.Concat)),
        (1, Gen.Choose(0, char.MaxValue).Select(it => (char)it).ArrayOf().Select(it => new string(it))));

    private static readonly Gen<Case> Cases =
        from key in Keys from id in Ids from timestamp in Timestamps from body in Bodies
        select new Case(key, id, timestamp, body);

    private sealed record Case(byte[] Key, string Id, long Timestamp, byte[] Body)
    {
        public string Signature { get; } = WebhookSigner.Sign(Id, Timestamp, Body, [WebhookSecret.FromBytes(Key)]);

        public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(Timestamp);

        public override string ToString() => $"key {Convert.ToHexString(Key)} id {Id} time {Timestamp} body {Convert.ToHexString(Body)}";
    }

    [Fact]
    public void SignThenVerify_AnyMessage_Accepts() => Holds(Cases, it =>
        WebhookVerifier.Verify(it.Id, Given.Text(it.Timestamp), it.Signature, it.Body, [WebhookSecret.FromBytes(it.Key)], it.Time) ==
            new VerificationResult(VerificationStatus.Valid, 0, it.Timestamp));

    [Fact]
    public void Sign_AnyMessage_AgreesWithTheOracle() => Holds(Cases, it =>
        it.Signature == Oracle.Sign(it.Key, it.Id, Given.Text(it.Timestamp), it.Body));

    [Fact]
    public void Verify_AnyBitOfTheBodyFlipped_IsRefused() => Holds(Cases, Gen.Choose(0, int.MaxValue), (it, random) =>
        it.Body.Length == 0 || Refused(it, body: Flipped(it.Body, random)));

    [Fact]
    public void Verify_AnyBitOfTheKeyFlipped_IsRefused() => Holds(Cases, Gen.Choose(0, int.MaxValue), (it, random) =>
        Refused(it, key: Flipped(it.Key, random)));

    [Fact]
    public void Verify_AnyBitOfAHeaderFlipped_IsRefused() => Holds(Cases, Gen.Choose(0, int.MaxValue), (it, random) =>
        Refused(it, id: Flipped(it.Id, random)) &&
        Refused(it, timestamp: Flipped(Given.Text(it.Timestamp), random)) &&
        Refused(it, signature: Flipped(it.Signature, random)));

    [Fact]
    public void Verify_GarbageInAnyHeader_NeitherThrowsNorValidates() => Holds(Cases, Garbage, (it, garbage) =>
        (garbage == it.Id || Refused(it, id: garbage)) &&
        (garbage == Given.Text(it.Timestamp) || Refused(it, timestamp: garbage)) &&
        Refused(it, signature: garbage));

    [Fact]
    public void Verify_GarbageBesideTheSignature_IsSkippedOrRefusedForItsLength() => Holds(Cases, Garbage, (it, garbage) =>
    {
        var status = Verified(it, signature: $"{garbage} {it.Signature}").Status;
        var entries = garbage.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        return status == (entries < 16 && garbage.Length < 4000 ? VerificationStatus.Valid : VerificationStatus.TooManySignatures);
    });

    [Fact]
    public void ParseSecret_Garbage_NeverThrowsAndTakesOnlySecrets() => Holds(Garbage, text =>
        WebhookSecret.TryParse(text, out var secret, out var error)
            ? WebhookSecret.Parse(secret.Reveal()).Equals(secret)
            : error.Length > 0 && (text.Length < 8 || !error.Contains(text, StringComparison.Ordinal)));

    [Fact]
    public void ParseSecret_AnyKey_RoundTrips() => Holds(Keys, key =>
        WebhookSecret.FromBytes(key).Reveal() == "whsec_" + Convert.ToBase64String(key) &&
        WebhookSecret.Parse(Convert.ToBase64String(key).TrimEnd('=')).Equals(WebhookSecret.FromBytes(key)));

    private static VerificationResult Verified(
        Case it, byte[]? key = null, string? id = null, string? timestamp = null, string? signature = null, byte[]? body = null) =>
        WebhookVerifier.VerifyIgnoringTimestamp(
            id ?? it.Id, timestamp ?? Given.Text(it.Timestamp), signature ?? it.Signature, body ?? it.Body,
            [WebhookSecret.FromBytes(key ?? it.Key)]);

    private static bool Refused(
        Case it, byte[]? key = null, string? id = null, string? timestamp = null, string? signature = null, byte[]? body = null) =>
        !Verified(it, key, id, timestamp, signature, body).IsValid;

    private static byte[] Flipped(byte[] bytes, int random)
    {
        var copy = bytes.ToArray();
        copy[random / 8 % bytes.Length] ^= (byte)(1 << (random % 8));
        return copy;
    }

    // All these headers are ASCII, so that a flipped bit of a byte is a flipped bit of a character.
    private static string Flipped(string text, int random) => Encoding.Latin1.GetString(Flipped(Encoding.Latin1.GetBytes(text), random));

    private static void Holds<T>(Gen<T> gen, Func<T, bool> property) =>
        Check.One(Runs, Prop.ForAll(Arb.From(gen), property));

    private static void Holds<T, TWith>(Gen<T> gen, Gen<TWith> with, Func<T, TWith, bool> property) =>
        Check.One(Runs, Prop.ForAll(Arb.From(gen), Arb.From(with), property));
}
