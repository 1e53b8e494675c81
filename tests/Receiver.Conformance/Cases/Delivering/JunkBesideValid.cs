namespace Webhooks.Conformance.Cases.Delivering;

internal sealed class JunkBesideValid() : ConformanceCase(
    "junk-beside-valid", "A valid signature counts, whatever else stands in the list",
    "The header is a list: entries of other versions, of other secrets, and malformed ones stand beside the one that matches. A receiver that takes the first, or throws at the first it cannot read, "
    + "fails at the sender's next version or rotation.", Needs.Observer)
{
    private static readonly string Other = "v1," + Convert.ToBase64String(new byte[32]);

    private static readonly string[] Lists =
        ["junk {0}", "{0} junk", "v1, {0}", ",abc {0}", "v1a,AAAA {0}", "v2,AAAA {0} v3,BBBB", Other + " {0}", "{0} " + Other, "v1,### {0}", " {0} ", "v1,AAAA=  {0}"];

    public override async Task RunAsync(CaseRun run)
    {
        var events = Lists.Select(_ => run.Stream.Next()).ToList();
        for (var i = 0; i < Lists.Length; i++)
        {
            var attempt = run.Attempt(events[i]);
            await run.AcceptAsync(events[i], attempt with { SignatureHeader = Lists[i].Replace("{0}", attempt.Signature, StringComparison.Ordinal) },
                $"a list like \"{Lists[i].Replace("{0}", "<valid>", StringComparison.Ordinal)}\"");
        }

        await run.HandledOnceAsync(events);
    }
}
