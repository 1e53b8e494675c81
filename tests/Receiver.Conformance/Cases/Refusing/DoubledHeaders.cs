using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class DoubledHeaders() : RefusalCase(
    "doubled-headers", "A request with a header of the signature twice is refused",
    "Of two ids one is verified and the other used, if the parts of a receiver disagree on which counts. A proxy may reorder them.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("two webhook-id", attempt => attempt with { ExtraHeaders = [new(WebhookHeaders.Id, "evt_other")] }),
        new("two webhook-timestamp", attempt => attempt with { ExtraHeaders = [new(WebhookHeaders.Timestamp, "1")] }),
        new("another webhook-id before the signed one", attempt => attempt with { IdHeader = "", ExtraHeaders = [new(WebhookHeaders.Id, "evt_other"), new(WebhookHeaders.Id, attempt.Id)] }),
    ];
}
