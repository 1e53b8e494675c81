using System.Text;
using Webhooks.Bench.Backlog;

namespace Webhooks.Bench.Tests;

/// <summary>A page that is not what was asked for must not count as read.</summary>
public class FeedPageCheckTests
{
    [Theory]
    [InlineData(0, "1,2,3", 3)]
    [InlineData(41, "42", 1)]
    [InlineData(41, "", 0)]
    [InlineData(0, "2,3", -1)]
    [InlineData(0, "1,3", -1)]
    [InlineData(0, "1,1", -1)]
    public void CountInOrder_Numbers_OnlyThoseRightAfter(long after, string seqs, int expected)
    {
        var events = seqs.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(seq => """{"id":"evt","seq":N,"data":{"seq":99,"data":[{"seq":98}]}}""".Replace("N", seq, StringComparison.Ordinal));
        var page = $$"""{"endpoint":"ep","head":50,"data":[{{string.Join(',', events)}}],"has_more":false}""";
        Assert.Equal(expected, FeedPageCheck.CountInOrder(Encoding.UTF8.GetBytes(page), after));
    }
}
