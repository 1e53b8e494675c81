using System.Buffers;
using System.Buffers.Text;

namespace Webhooks.Bench.Sink;

/// <summary>
/// What has arrived, per endpoint, and when. Reads a few numbers of each body and parses no JSON: <c>seq</c>, and the number <c>n</c> with which the
/// data begins. A body whose <c>seq</c> is a range is a batch, of which each envelope counts.
/// </summary>
internal sealed class SinkLedger(SinkRun run)
{
    private readonly SinkLine[] _lines = Enumerable.Range(0, run.Endpoints).Select(_ => new SinkLine()).ToArray();

    /// <summary>Timestamps by <c>n</c>, of the first that came; 0 where none did.</summary>
    public long[] Arrivals { get; } = new long[run.Events];

    public TimeSpan Latency => run.Latency;

    public void Take(int endpoint, ReadOnlySequence<byte> body, long arrived)
    {
        var bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var line = _lines[endpoint];
        line.CountRequest();
        var at = bytes.IndexOf(Seq);
        if (at < 0)
        {
            line.CountBroken();
            return;
        }

        var rest = bytes[(at + Seq.Length)..];
        if (rest.StartsWith("{"u8)) TakeBatch(line, rest, arrived);
        else TakeEnvelope(line, bytes, rest, arrived);
    }

    public SinkCounts Count() => _lines.Aggregate(SinkCounts.None, (sum, line) => sum + line.Count());

    private static ReadOnlySpan<byte> Seq => "\"seq\":"u8;

    private static ReadOnlySpan<byte> N => "\"data\":{\"n\":"u8;

    // The range, then as many envelopes, in its order.
    private void TakeBatch(SinkLine line, ReadOnlySpan<byte> rest, long arrived)
    {
        var (from, to) = (NumberAfter("\"from\":"u8, rest), NumberAfter("\"to\":"u8, rest));
        var expected = from;
        for (var at = rest.IndexOf(Seq); at >= 0; at = rest.IndexOf(Seq))
        {
            rest = rest[(at + Seq.Length)..];
            var seq = Number(rest);
            if (seq != expected++) line.CountBroken();
            line.Take(seq);
            var next = rest.IndexOf(Seq);
            Note(NumberAfter(N, next < 0 ? rest : rest[..next]), arrived);
        }

        if (from < 1 || expected != to + 1) line.CountBroken();
    }

    // Senders that keep the body as jsonb put its members into another order, so n may stand before seq.
    private void TakeEnvelope(SinkLine line, ReadOnlySpan<byte> body, ReadOnlySpan<byte> afterSeq, long arrived)
    {
        Note(NumberAfter(N, body), arrived);
        line.Take(Number(afterSeq));
    }

    private void Note(long n, long arrived)
    {
        if (n >= 0 && n < Arrivals.Length) Interlocked.CompareExchange(ref Arrivals[n], arrived, 0);
    }

    private static long NumberAfter(ReadOnlySpan<byte> label, ReadOnlySpan<byte> bytes)
    {
        var at = bytes.IndexOf(label);
        return at < 0 ? -1 : Number(bytes[(at + label.Length)..]);
    }

    private static long Number(ReadOnlySpan<byte> bytes) => Utf8Parser.TryParse(bytes, out long number, out _) ? number : -1;
}
