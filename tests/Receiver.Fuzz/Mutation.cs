using System.Text;
using Microsoft.AspNetCore.Http;

namespace Webhooks.Fuzz;

/// <summary>Spoils requests.</summary>
internal static class Mutation
{
    private static readonly string[] Pieces =
    [
        "", " ", ",", "v1,", "v1,AAAA", "v1a,AAAA", "v1,=", "v2,x y", ".", "-1", "0", "99999999999999999999", "1e9", "\u0000", "é", "\uD83D\uDE00", "\uD800",
        "application/json", "application/json;charset=utf-16", "application/x-www-form-urlencoded", "text/plain", "gzip", "{", "}", "\"", "[[[[", "null",
        "\"seq\":2,", "\"epoch\":0,", "\"void\":true,", "\"data\":{},", "\"id\":\"evt_2\",", "\\ud800", "\"endpoint\":\"a\\nb\",", "9223372036854775807", "-0", "1.0",
        "\"from\":1,", "\"to\":2", "{\"from\":1,\"to\":3}", "{\"from\":1,\"to\":2147483647}", "[]", "],[", "},{", "t=", "t=1,", ",v1=", "v0=", "sha256=", "payload=", "%7B", "%", "&",
        "\"type\":\"url_verification\",", "\"challenge\":\"x\",", "\"event_id\":\"Ev1\",", "\"event\":{\"type\":\"a\"},", "\r\n", "\t", "\u202E", "\uFEFF",
    ];

    private static readonly string[] OtherHeaders = ["Content-Type", "Content-Encoding"];

    public static byte[] Bytes(Random random, byte[] body)
    {
        var bytes = body.ToList();
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, random.Next(Math.Min(20, bytes.Count - at) + 1)); break;
                case 2: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Piece(random))); break;
                case 3 when at < bytes.Count: bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(60, bytes.Count - at) + 1))); break;
                case 4 when random.Next(50) == 0: bytes.InsertRange(at, Enumerable.Repeat((byte)"[{\" "[random.Next(4)], random.Next(20_000))); break;
                default:
                    if (bytes.Count > 0) bytes[random.Next(bytes.Count)] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return bytes.Count > 0 ? [.. bytes] : [(byte)'{'];
    }

    public static void Header(Random random, IHeaderDictionary headers, IReadOnlyList<string> names)
    {
        var name = random.Next(6) > 0 ? names[random.Next(names.Count)] : OtherHeaders[random.Next(OtherHeaders.Length)];
        var (value, piece) = (headers[name].ToString(), Piece(random));
        headers[name] = random.Next(9) switch
        {
            0 => piece,
            1 => value + piece,
            2 => piece + " " + value,
            3 => value.Length == 0 ? piece : value.Remove(random.Next(value.Length)),
            4 => new[] { value, piece },
            5 => string.Join(random.Next(2) == 0 ? ' ' : ',', Enumerable.Repeat(value, random.Next(1, 40))),
            6 => value.Length == 0 ? piece : value.Insert(random.Next(value.Length), piece),
            7 => value.ToUpperInvariant(),
            _ => value.Length == 0 ? piece : Flip(value, random.Next(value.Length)),
        };
    }

    public static FuzzRequest Noise(Random random, IReadOnlyList<string> names)
    {
        var body = new byte[random.Next(1, 400)];
        random.NextBytes(body);
        var noise = new FuzzRequest(body);
        foreach (var name in names)
            if (random.Next(8) > 0) noise.Headers[name] = string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Piece(random)));
        if (random.Next(8) == 0) Header(random, noise.Headers, names);
        return noise;
    }

    private static string Piece(Random random) => Pieces[random.Next(Pieces.Length)];

    private static string Flip(string value, int at) => $"{value[..at]}{(char)(value[at] ^ (1 << at % 5))}{value[(at + 1)..]}";
}
