using Webhooks.Dispatcher.Nodes;

namespace Webhooks.Dispatcher.Tests.Nodes;

public class FairShareTests
{
    private static NodeLoad Other(int leases, int capacity = 5000, bool leaving = false) =>
        new(Guid.NewGuid(), leases, capacity, leaving, TimeSpan.FromSeconds(5));

    [Fact]
    public void Of_EqualNodes_IsAnEqualPartRoundedUp()
    {
        Assert.Equal(300, FairShare.Of(300, 5000, []));
        Assert.Equal(100, FairShare.Of(300, 5000, [Other(0), Other(0)]));
        Assert.Equal(100, FairShare.Of(0, 5000, [Other(300), Other(0)]));
        Assert.Equal(34, FairShare.Of(100, 5000, [Other(0), Other(0)]));
        Assert.Equal(0, FairShare.Of(0, 5000, [Other(0)]));
    }

    [Fact]
    public void Of_ANodeThatCanTakeLittle_LeavesMoreToTheOthers()
    {
        Assert.Equal(145, FairShare.Of(300, 5000, [Other(0, capacity: 10), Other(0)]));
        Assert.Equal(10, FairShare.Of(0, 10, [Other(300), Other(0)]));
        Assert.Equal(20, FairShare.Of(20, 20, [Other(20, capacity: 20), Other(30, capacity: 20)]));
    }

    [Fact]
    public void Of_ANodeThatIsLeaving_LeavesAllItHas()
    {
        Assert.Equal(150, FairShare.Of(100, 5000, [Other(100), Other(100, leaving: true)]));
        Assert.Equal(200, FairShare.Of(100, 5000, [Other(100, leaving: true)]));
    }

    [Theory]
    [InlineData(0, 0, 8, 0)]
    [InlineData(8, 4, 0, 0)]
    [InlineData(9, 4, 0, 1)]
    [InlineData(99, 100, 7, 0)]
    [InlineData(106, 100, 0, 0)]
    [InlineData(107, 100, 0, 7)]
    [InlineData(300, 100, 0, 200)]
    public void RoomAndSurplus_AroundTheShare_LeaveSlackBetweenThem(int held, int share, int room, int surplus)
    {
        Assert.Equal(room, FairShare.Room(held, share));
        Assert.Equal(surplus, FairShare.Surplus(held, share));
    }

    /// <summary>Whatever the numbers: who gives back gives no more than others have room for, and never falls below its own share.</summary>
    [Fact]
    public void Surplus_OfAllNodes_FindsRoomWithTheOthers()
    {
        var random = new Random(7);
        for (var round = 0; round < 2000; round++)
        {
            var held = Enumerable.Range(0, random.Next(2, 9)).Select(_ => random.Next(0, 1000)).ToArray();
            var loads = held.Select(count => Other(count)).ToArray();
            var shares = held.Select((count, i) => FairShare.Of(count, 5000, loads.Where((_, j) => j != i).ToArray())).ToArray();
            Assert.Single(shares.Distinct());
            var surplus = held.Sum(count => FairShare.Surplus(count, shares[0]));
            var room = held.Sum(count => FairShare.Room(count, shares[0]));
            Assert.True(surplus <= room, $"{string.Join(", ", held)}: {surplus} are given back and there is room for {room}.");
        }
    }
}
