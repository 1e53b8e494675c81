namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class MalformedSignature() : RefusalCase(
    "malformed-signature", "A signature that is none is refused, and breaks nothing",
    "Whoever finds the URL can send any bytes as a signature. An exception in the parser is a 500, and enough of those make a sender pause.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run)
    {
        foreach (var header in new[]
        {
            " ", "v1", "v1,", ",", ",abc", "v1;abc", "v1 abc", "v1,not base64!", "v1,====", "v2,AAAA", "V1,AAAA", "null", "v1,\u00ff\u00fe", "v1,%00",
            new string('v', 3000), string.Join(' ', Enumerable.Repeat("v1,AAAA", 100)),
        })
            yield return new(header.Length > 20 ? $"{header.Length} characters" : $"\"{header}\"", attempt => attempt with { SignatureHeader = header });
        yield return new("the right one, cut", attempt => attempt with { SignatureHeader = attempt.Signature[..^4] });
        yield return new("the right one without its version", attempt => attempt with { SignatureHeader = attempt.Signature[3..] });
        yield return new("the right one as another version's", attempt => attempt with { SignatureHeader = "v2," + attempt.Signature[3..] });
        yield return new("the right one in lower case", attempt => attempt with { SignatureHeader = attempt.Signature.ToLowerInvariant() });
        yield return new("an empty MAC", attempt => attempt with { SignatureHeader = "v1," + Convert.ToBase64String(new byte[32]) });
    }
}
