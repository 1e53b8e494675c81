using Webhooks.Bench.Receiving;

namespace Webhooks.Bench.Tests;

/// <summary>What is measured of the receiver is what was asked for.</summary>
public class ReceiverCommandTests
{
    [Theory]
    [InlineData("")]
    [InlineData("--part verify --part null --rounds 1 --requests 1 --json")]
    [InlineData("--part backfill --backfill 1")]
    public void Parse_WhatCanBeMeasured_IsTaken(string line) => Assert.Empty(ReceiverCommand.Create().Parse(line).Errors);

    [Theory]
    [InlineData("--part nothing")]
    [InlineData("--rounds 0")]
    [InlineData("--requests 0")]
    [InlineData("--backfill 0")]
    [InlineData("--backfill many")]
    [InlineData("--speed")]
    public void Parse_WhatCannot_IsRefused(string line) => Assert.NotEmpty(ReceiverCommand.Create().Parse(line).Errors);

    [Fact]
    public void Parse_WithoutParts_IsAllOfThem() =>
        Assert.Equal(["verify", "null", "pg", "sqlite", "backfill"], ReceiverCommand.Create().Parse("").GetValue<string[]>("--part")!);
}
