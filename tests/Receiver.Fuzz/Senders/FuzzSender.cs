using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Webhooks.Receiver;

namespace Webhooks.Fuzz.Senders;

/// <summary>One kind of sender, told apart from the code under test: how it signs, and what it calls signed.</summary>
internal abstract class FuzzSender
{
    /// <summary>How far a timestamp may lie from now, in seconds.</summary>
    protected const long Tolerance = 300;

    private static readonly string[] Data =
    [
        "{}", "null", "[]", "\"\"", "0", """{"a":[1,2.5e3,"x\u00e9"]}""", """{"n":1.000000000000000000001,"s":"č" ,"e":[ ]}""", """[[[[[[[[{"deep":[{}]}]]]]]]]]""",
        """{"id":"evt_1","seq":7,"type":"inner","event":{"type":"inner"}}""",
    ];

    protected FuzzSender()
    {
        var name = Encoding.UTF8.GetBytes(GetType().Name);
        Live = [Key(1), Key(2)];
        Dead = Key(3);

        // In hex, so that the same key can be written as text where a sender's secrets are texts.
        byte[] Key(byte number) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData([.. name, number])));
    }

    /// <summary>The name of its source.</summary>
    public abstract string Name { get; }

    /// <summary>The headers that matter.</summary>
    public abstract IReadOnlyList<string> Headers { get; }

    /// <summary>The receiver's secrets.</summary>
    public byte[][] Live { get; }

    /// <summary>A secret that the receiver does not have.</summary>
    public byte[] Dead { get; }

    /// <summary>Whether it signs a timestamp.</summary>
    public virtual bool HasTimestamp => true;

    public abstract IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder);

    /// <summary>A secret as it is written in the options.</summary>
    public virtual string Written(byte[] key) => Encoding.ASCII.GetString(key);

    /// <summary>An event that was not sent before.</summary>
    public abstract FuzzRequest Next(Random random);

    /// <summary>Signs with every one of the keys.</summary>
    public abstract void Sign(FuzzRequest request, long timestamp, params byte[][] keys);

    /// <summary>Another spelling that must be taken all the same.</summary>
    public virtual void Respell(Random random, FuzzRequest request)
    {
        switch (random.Next(4))
        {
            case 0: request.Headers["Content-Type"] = $"{request.Headers["Content-Type"]}; charset=utf-8"; break;
            case 1: request.Headers["Content-Type"] = request.Headers["Content-Type"].ToString().ToUpperInvariant(); break;
            case 2: request.Headers["X-More"] = new string('m', random.Next(10_000)); break;
        }
    }

    /// <summary>Signs with a live secret, and yet not what a delivery is. False when there is no such thing.</summary>
    public virtual bool SignForAnotherPurpose(Random random, FuzzRequest request, long timestamp) => false;

    /// <summary>Whether one of the live secrets signed exactly this, at a time within the tolerance.</summary>
    public abstract bool IsSigned(FuzzRequest request, long now);

    protected static string NextData(Random random) =>
        random.Next(40) == 0 ? $"\"{new string('x', random.Next(60_000))}\"" : Data[random.Next(Data.Length)];

    protected static byte[] Mac(byte[] key, string prefix, byte[] body) => HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes(prefix), .. body]);

    protected static string Hex(byte[] mac) => Convert.ToHexStringLower(mac);

    /// <summary>The only value of a header; null when there is none, or several.</summary>
    protected static string? Only(FuzzRequest request, string name) => request.Headers[name] is { Count: 1 } one ? one[0] : null;

    protected static bool IsNear(string? timestamp, long now) =>
        long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds.ToString(CultureInfo.InvariantCulture) == timestamp && Math.Abs(now - seconds) <= Tolerance;
}
