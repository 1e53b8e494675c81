namespace Webhooks.Receiver.Tests;

public sealed class EventNumberTests
{
    [Theory]
    [InlineData(42, "number 42")]
    [InlineData(0, "without a number")]
    public void ToString_SaysWhetherThereIsOne(long seq, string said) => Assert.Equal(said, new EventNumber(seq).ToString());
}
