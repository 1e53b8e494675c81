namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class MissingHeaders() : RefusalCase(
    "missing-signature", "Without id, timestamp or signature a request is refused",
    "An unsigned request takes the path that nobody tests. Several libraries let it through with an empty body, or answer 200 without having looked.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("no webhook-signature", attempt => attempt with { SignatureHeader = "" }),
        new("no webhook-id", attempt => attempt with { IdHeader = "" }),
        new("no webhook-timestamp", attempt => attempt with { TimestampHeader = "" }),
        new("none of the three", attempt => attempt with { SignatureHeader = "", IdHeader = "", TimestampHeader = "" }),
    ];
}
