using System.CommandLine;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Tests;

/// <summary>A number with which nothing could be measured is refused before anything is started.</summary>
public class WholeNumberTests
{
    private readonly Option<int> _option = WholeNumber.Option("--events", "Events", 60);

    [Theory]
    [InlineData("", 60)]
    [InlineData("--events 1", 1)]
    public void Parse_Enough_IsTaken(string line, int expected) => Assert.Equal(expected, new RootCommand { _option }.Parse(line).GetValue(_option));

    [Theory]
    [InlineData("--events 0", "--events must be 1 or more; it is 0.")]
    [InlineData("--events -7", "--events must be 1 or more; it is -7.")]
    [InlineData("--events many", "Cannot parse")]
    public void Parse_NotEnough_IsRefusedInWords(string line, string problem) =>
        Assert.StartsWith(problem, Assert.Single(new RootCommand { _option }.Parse(line).Errors).Message);
}
