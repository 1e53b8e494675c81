using System.CommandLine;
using Webhooks.Bench.Setup;

namespace Webhooks.Bench.Tests;

/// <summary>What is measured is what was asked for.</summary>
public class CountListTests
{
    private readonly Option<int[]> _option = CountList.Option("--widths", "Widths", least: 1, 1, 10);

    [Theory]
    [InlineData("", new[] { 1, 10 })]
    [InlineData("--widths 7", new[] { 7 })]
    [InlineData("--widths 100,1,100", new[] { 1, 100 })]
    public void Parse_Counts_EachOnceAndTheLowestFirst(string line, int[] expected) =>
        Assert.Equal(expected, new RootCommand { _option }.Parse(line).GetValue(_option));

    [Theory]
    [InlineData("--widths ten")]
    [InlineData("--widths -1")]
    [InlineData("--widths ,")]
    [InlineData("--widths 0")]
    [InlineData("--widths 5,0")]
    public void Parse_NotCounts_Refused(string line) => Assert.NotEmpty(new RootCommand { _option }.Parse(line).Errors);
}
