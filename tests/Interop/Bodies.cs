using System.Text;
using System.Text.Json;

namespace Webhooks.Interop;

/// <summary>JSON bodies of many shapes. All are UTF-8: the JavaScript libraries decode a body to text before they sign it.</summary>
internal static class Bodies
{
    private static readonly Dictionary<string, Func<byte[]>> Makers = new()
    {
        ["1 B"] = () => "1"u8.ToArray(),
        ["ordinary"] = () => """{"type":"invoice.paid","data":{"id":7}}"""u8.ToArray(),
        ["unicode"] = () => Encoding.UTF8.GetBytes("""{"å":"中文 😀 e\u0301 🏳️‍🌈 \ud83d\ude00","é":"é"}"""),
        ["line separators and direction marks"] = () => Encoding.UTF8.GetBytes("{\"a\":\"\u2028\u2029\u0085\u007f\u202e\"}"),
        ["white space around and inside"] = () => " \t\r\n{ \"a\" :\t[ 1 ,\r\n2 ] }\r\n\n "u8.ToArray(),
        ["numbers beyond double precision"] = () => "[9007199254740993,1e400,0.10000000000000000000000001,-0,1E+2]"u8.ToArray(),
        ["duplicate keys in no order"] = () => """{"b":1,"a":2,"b":3}"""u8.ToArray(),
        ["full stops and spaces"] = () => """{"a":"msg_1.1614265330. v1,abc v1,def"}"""u8.ToArray(),
        ["nested 500 deep"] = () => Encoding.ASCII.GetBytes(new string('[', 500) + new string(']', 500)),
        ["64 KiB"] = () => OfLength(64 << 10),
        ["256 KiB"] = () => OfLength(256 << 10),
    };

    public static TheoryData<string> Names => [.. All];

    public static IReadOnlyCollection<string> All => Makers.Keys;

    public static byte[] Named(string name) => Makers[name]();

    // Characters of one to four bytes, so that some lie across any buffer's edge.
    private static byte[] OfLength(int length)
    {
        var text = new StringBuilder("{\"text\":\"");
        foreach (var part in Enumerable.Repeat("aé中😀", length / 10 - 2)) text.Append(part);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        byte[] body = [.. bytes, .. Enumerable.Repeat((byte)'x', length - bytes.Length - 2), .. "\"}"u8];
        using var _ = JsonDocument.Parse(body);
        return body;
    }
}
