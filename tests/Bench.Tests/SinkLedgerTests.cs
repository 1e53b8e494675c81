using System.Buffers;
using System.Globalization;
using System.Text;
using Webhooks.Bench.Setup;
using Webhooks.Bench.Sink;

namespace Webhooks.Bench.Tests;

/// <summary>Figures are void when the sink's ledger does not balance, so it has to see what is lost, repeated, out of order or damaged.</summary>
public class SinkLedgerTests
{
    private readonly SinkLedger _ledger = new(new SinkRun(2, 10));

    [Fact]
    public void Take_InTurn_IsInOrder()
    {
        for (var seq = 1; seq <= 3; seq++) Take(Envelope(seq));
        Assert.Equal(new SinkCounts(3, 3, 0, 0, 0), _ledger.Count());
        Assert.True(_ledger.Count().IsInOrder(3));
    }

    [Fact]
    public void Take_OneMissing_IsNotComplete()
    {
        Take(Envelope(1));
        Take(Envelope(3));
        Assert.False(_ledger.Count().IsComplete(3));
        Assert.False(_ledger.Count().IsInOrder(2));
    }

    [Fact]
    public void Take_AnyOrder_CountsEachOnce()
    {
        foreach (var seq in new[] { 3, 1, 2, 3, 500 }) Take(Envelope(seq));
        var counts = _ledger.Count();
        Assert.Equal((4, 1), (counts.Distinct, counts.Repeated));
        Assert.True(counts.IsComplete(4));
        Assert.False(counts.IsInOrder(4));
    }

    [Fact]
    public void Take_TwoEndpoints_EachHasItsOwnNumbers()
    {
        Take(Envelope(1), endpoint: 0);
        Take(Envelope(1), endpoint: 1);
        Assert.Equal(new SinkCounts(2, 2, 0, 0, 0), _ledger.Count());
    }

    [Fact]
    public void Take_MembersInAnotherOrder_FindsBothNumbers()
    {
        Take("""{"id":"evt_1","seq":1,"data":{"n":4,"text":""},"type":"a"}""");
        Take("""{"id":"evt_2","data":{"n":5,"text":""},"seq":2,"type":"a"}""");
        Assert.True(_ledger.Count().IsInOrder(2));
        Assert.True(_ledger.Arrivals is [_, _, _, _, 7, 7, ..]);
    }

    [Fact]
    public void Take_Batch_CountsEveryEnvelope()
    {
        Take(Envelope(1));
        Take(Batch(2, 4, 2, 3, 4));
        Assert.Equal(new SinkCounts(2, 4, 0, 0, 0), _ledger.Count());
        Assert.Equal([0, 7, 7, 7, 7, 0], _ledger.Arrivals[..6]);
    }

    [Fact]
    public void Take_BatchWithVoidEvent_CountsItToo()
    {
        Take("""{"id":"batch_1","type":"webhooks.batch","seq":{"from":1,"to":2},"data":[{"id":"evt_1","seq":1,"void":true,"reason":"expunged"},{"id":"evt_2","seq":2,"data":{"n":5}}]}""");
        Assert.Equal(new SinkCounts(1, 2, 0, 0, 0), _ledger.Count());
        Assert.True(_ledger.Arrivals is [0, 0, 0, 0, 0, 7, ..]);
    }

    [Theory]
    [InlineData(1, 3, new[] { 1, 2 })]
    [InlineData(1, 2, new[] { 1, 2, 3 })]
    [InlineData(1, 3, new[] { 1, 3, 2 })]
    [InlineData(1, 3, new int[0])]
    [InlineData(0, 1, new[] { 0, 1 })]
    public void Take_BatchThatIsNotWhatItSays_IsBroken(int from, int to, int[] elements)
    {
        Take(Batch(from, to, elements));
        Assert.True(_ledger.Count().Broken > 0);
        Assert.False(_ledger.Count().IsComplete(_ledger.Count().Distinct));
    }

    [Fact]
    public void Take_WithoutNumber_IsBroken()
    {
        Take("{}");
        Assert.Equal(new SinkCounts(1, 0, 0, 0, 1), _ledger.Count());
    }

    [Fact]
    public void Take_BodyInPieces_IsReadAsOne()
    {
        var bytes = Encoding.UTF8.GetBytes(Envelope(1));
        var first = new Piece(bytes.AsMemory(0, 150), 0);
        var last = first.Then(bytes.AsMemory(150));
        _ledger.Take(0, new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), 7);
        Assert.True(_ledger.Count().IsInOrder(1));
    }

    private void Take(string body, int endpoint = 0) => _ledger.Take(endpoint, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)), 7);

    private static string Envelope(int seq) => Encoding.UTF8.GetString(Payload.Envelope("evt_1", "ep_1", seq, seq));

    private static string Batch(int from, int to, params int[] elements) => string.Create(CultureInfo.InvariantCulture,
        $"{{\"id\":\"batch_1\",\"type\":\"webhooks.batch\",\"endpoint\":\"ep_1\",\"epoch\":1,\"seq\":{{\"from\":{from},\"to\":{to}}},\"data\":[{string.Join(",", elements.Select(Envelope))}]}}");

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
