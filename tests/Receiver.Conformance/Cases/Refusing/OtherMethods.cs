using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class OtherMethods() : RefusalCase(
    "other-methods", "Only POST delivers", "A crawler's GET must not count as a delivery, nor as a failure of the receiver.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
        from method in new[] { "GET", "PUT", "DELETE", "PATCH", "HEAD" }
        select new Spoilt(method, attempt => attempt with { Method = method, BodySent = method is "GET" or "HEAD" ? [] : null });

    // A front that has its own idea of other methods may answer 501.
    protected override bool IsRefusal(WireAnswer answer) => answer.IsRefusal || answer.Status == 501;
}
