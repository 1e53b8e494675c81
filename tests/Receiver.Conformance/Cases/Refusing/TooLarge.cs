using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class TooLarge() : RefusalCase(
    "too-large", "A body above the limit is refused; one well below it is not",
    "The limit protects memory: what is above it is answered 413 before it is verified, or even read. The control is a quarter of the limit.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("a KiB above the limit, and stated", attempt => attempt) { Of = on => on.Stream.Draft(Text(on.Settings.MaxBody + 1024)) },
        new("four times the limit, and stated", attempt => attempt) { Of = on => on.Stream.Draft(Text(on.Settings.MaxBody * 4)) },
    ];

    // It may stop reading and hang up; then nobody has taken anything.
    protected override bool IsRefusal(WireAnswer answer) => answer.IsRefusal || answer.Status == 0;

    public override async Task RunAsync(CaseRun run)
    {
        await base.RunAsync(run);
        var large = run.Stream.Next(Text(run.Settings.MaxBody / 4));
        await run.AcceptAsync(large, "a body of a quarter of the limit");
        await run.HandledOnceAsync(large);
    }

    public static string Text(int length) => "\"" + new string('x', length) + "\"";
}
