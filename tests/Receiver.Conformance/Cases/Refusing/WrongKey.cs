using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class WrongKey() : RefusalCase(
    "wrong-key", "What another key has signed is refused",
    "Well formed in every part, and signed by somebody else.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("a key of 24 bytes", attempt => attempt with { Secrets = [WebhookSecret.Generate(24)] }),
        new("a key of 64 bytes", attempt => attempt with { Secrets = [WebhookSecret.Generate(64)] }),
        new("several keys", attempt => attempt with { Secrets = [WebhookSecret.Generate(), WebhookSecret.Generate(), WebhookSecret.Generate()] }),
        new("a key of zeros", attempt => attempt with { Secrets = [WebhookSecret.FromBytes(new byte[32])] }),
    ];
}
