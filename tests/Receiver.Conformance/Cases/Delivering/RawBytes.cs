namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class RawBytes() : ConformanceCase(
    "raw-bytes", "The signature is checked over the bytes that came, whatever JSON they are",
    "White space, escapes, the spelling of numbers, doubled members: all of it is signed, and none of it survives being parsed and written again. "
    + "A receiver that binds the body to a type before it verifies rejects a valid delivery.", Needs.Observer)
{
    private static readonly string[] Bodies =
    [
        """{ "a" : 1 ,  "b":[ ] }""", """{"price":1.10,"big":1e2,"more":123456789012345678901234567890}""", """{"text":"\u00e9\u20ac \ud83d\ude00 é€ 😀","slash":"a\/b"}""",
        """{"twice":1,"twice":2}""", "\"just text\"", "null", "[]", "{\"lines\":\r\n\t1}\r\n", """{"<html>":"&amp;"}""",
    ];

    public override async Task RunAsync(CaseRun run)
    {
        var events = Bodies.Select(run.Stream.Next).ToList();
        foreach (var one in events) await run.AcceptAsync(one, run.Attempt(one), $"a valid delivery with data {Bodies[events.IndexOf(one)].ReplaceLineEndings(" ")}");
        await run.HandledOnceAsync(events);
    }
}
