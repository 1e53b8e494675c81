namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class OtherEndpoint() : RefusalCase(
    "other-endpoint", "An event of another endpoint's stream is refused, although its signature is right",
    "Two endpoints that share a secret have numbers of their own. Taken into one stream, those of one hide those of the other.", Needs.Order)
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
        [new("another endpoint", attempt => attempt) { Of = on => on.Stream.Draft(of: on.Stream.Endpoint + "_other") }];
}
