using System.Buffers;
using System.Buffers.Text;

namespace Webhooks.Bench.Sink;

/// <summary>What has arrived, per endpoint, and when. Reads two numbers of each body and parses no JSON.</summary>
internal sealed class SinkLedger(int endpoints, int events)
{
    private readonly Line[] _lines = Enumerable.Range(0, endpoints).Select(_ => new Line()).ToArray();

    /// <summary>Timestamps by the number <c>n</c> with which the data begins; 0 where none came.</summary>
    public long[] Arrivals { get; } = new long[events];

    public void Take(int endpoint, ReadOnlySequence<byte> body, long arrived)
    {
        var bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var seq = Number(bytes, "\"seq\":"u8);
        var n = Number(bytes, "\"data\":{\"n\":"u8);
        if (n >= 0 && n < Arrivals.Length) Interlocked.CompareExchange(ref Arrivals[n], arrived, 0);
        _lines[endpoint].Take(seq);
    }

    public SinkCounts Count() => new(
        _lines.Sum(line => line.Requests), _lines.Sum(line => line.Distinct), _lines.Sum(line => line.Repeated), _lines.Sum(line => line.OutOfOrder));

    private static long Number(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> after)
    {
        var at = bytes.IndexOf(after);
        return at >= 0 && Utf8Parser.TryParse(bytes[(at + after.Length)..], out long number, out _) ? number : -1;
    }

    private sealed class Line
    {
        private long _last;

        public long Requests { get; private set; }

        public long Distinct { get; private set; }

        public long Repeated { get; private set; }

        public long OutOfOrder { get; private set; }

        public void Take(long seq)
        {
            lock (this)
            {
                Requests++;
                if (seq == _last + 1) (_last, Distinct) = (seq, Distinct + 1);
                else if (seq <= _last && seq > 0) Repeated++;
                else OutOfOrder++;
            }
        }
    }
}

/// <summary>The sink's side of the ledger.</summary>
/// <param name="Requests">All that came.</param>
/// <param name="Distinct">Numbers that came in their turn.</param>
/// <param name="Repeated">Numbers that had come before.</param>
/// <param name="OutOfOrder">Numbers whose predecessor had not come.</param>
internal sealed record SinkCounts(long Requests, long Distinct, long Repeated, long OutOfOrder);
