using System.Text;

namespace Webhooks.Signing.Tests;

/// <summary>A published message with its signature, as other Standard Webhooks implementations test with it.</summary>
public sealed record Vector(string Secret, string Id, long Timestamp, string Text, string Signature)
{
    public byte[] Body => Encoding.UTF8.GetBytes(Text);

    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(Timestamp);
}

public static class Vectors
{
    public static readonly Vector A = new(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}""",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

    public static readonly Vector B = new(
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
        """{"email":"test@example.com","username":"test_user"}""", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");

    public static readonly Vector OneMebibyte = A with
    {
        Text = new string('a', 1 << 20), Signature = "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A=",
    };

    /// <summary>Message A under an Ed25519 key: a version that this library does not verify.</summary>
    public const string Ed25519OfA =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    /// <summary>Well-formed, but the MAC of something else.</summary>
    public const string WrongMac = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

    public static TheoryData<string> Names => new("A", "B", "OneMebibyte");

    public static Vector Named(string name) => name switch { "A" => A, "B" => B, _ => OneMebibyte };
}
