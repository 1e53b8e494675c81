using System.Text;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class MalformedBody() : RefusalCase(
    "malformed-body", "A body that is no envelope is refused although its signature is right",
    "The sender has a fault, and sending again will not mend it: 4xx tells so. A 5xx tells it to come again, and a 2xx that it was handled.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run)
    {
        foreach (var (name, body) in new (string, byte[])[]
        {
            ("nothing", []), ("no JSON", "no json"u8.ToArray()), ("a number", "42"u8.ToArray()), ("an array", "[]"u8.ToArray()), ("null", "null"u8.ToArray()),
            ("half an object", "{\"id\":\"evt_"u8.ToArray()), ("two objects", "{}{}"u8.ToArray()), ("bytes that are not UTF-8", "{\"id\":\"\xff\xfe\"}"u8.ToArray()[..^2]),
            ("invalid UTF-8 inside", [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}"u8]), ("zero bytes", new byte[16]),
            ("ten thousand brackets", Encoding.ASCII.GetBytes(new string('[', 10_000))),
        })
            yield return new(name, attempt => attempt with { Body = body });
        if (run.Settings.IsUnordered) yield break;
        foreach (var (name, from, to) in new[]
        {
            ("a number that is text", "\"seq\":", "\"seq\":\"x\",\"was\":"), ("a negative number", "\"seq\":", "\"seq\":-1,\"was\":"), ("two numbers", "\"seq\":", "\"seq\":1,\"seq\":"),
            ("no data", "\"data\":", "\"other\":"), ("an epoch beyond all bounds", "\"epoch\":1", "\"epoch\":99999999999"), ("a fraction of a number", "\"seq\":", "\"seq\":1.5,\"was\":"),
        })
            yield return new(name, attempt => attempt with { Body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(attempt.Body).Replace(from, to, StringComparison.Ordinal)) });
        yield return new("another id than the header's", attempt => attempt with { Id = attempt.Id + "x" });
    }
}
