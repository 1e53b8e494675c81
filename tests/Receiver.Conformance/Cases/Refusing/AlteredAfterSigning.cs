namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class AlteredAfterSigning() : RefusalCase(
    "altered-after-signing", "A request of which a single bit was changed after it was signed is refused",
    "Body, id and time are all signed. What a proxy has mended is no longer what was sent.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("one bit in the body", attempt => attempt with { BodySent = Flip(attempt.Body) }),
        new("a space behind the body", attempt => attempt with { BodySent = [.. attempt.Body, (byte)' '] }),
        new("a line end behind the body", attempt => attempt with { BodySent = [.. attempt.Body, (byte)'\n'] }),
        new("a mark of the byte order before the body", attempt => attempt with { BodySent = [0xEF, 0xBB, 0xBF, .. attempt.Body] }),
        new("another id", attempt => attempt with { IdHeader = attempt.Id + "x" }),
        new("no body at all", attempt => attempt with { BodySent = [] }),
    ];

    private static byte[] Flip(byte[] body)
    {
        var copy = body.ToArray();
        // In the data's text, so that it is still an envelope of the same event.
        copy[^4] ^= 1;
        return copy;
    }
}
