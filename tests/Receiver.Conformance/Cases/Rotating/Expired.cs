namespace Webhooks.Conformance.Cases.Rotating;

internal sealed class Expired() : RefusalCase(
    "rotation-expired", "A secret whose time is over verifies nothing",
    "The overlap must end: a secret that has leaked and was replaced would otherwise be good for ever.", Needs.ExpiredSecret)
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
        [new("the expired secret alone", attempt => attempt with { Secrets = [run.Settings.ExpiredSecret!] })];

    protected override IEnumerable<Spoilt> Controls(CaseRun run) =>
        [new("a live secret beside the expired one", attempt => attempt with { Secrets = [run.Settings.ExpiredSecret!, run.Settings.Secret] })];
}
