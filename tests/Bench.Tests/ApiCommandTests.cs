using Webhooks.Bench.Api;

namespace Webhooks.Bench.Tests;

/// <summary>What is measured of the management API is what was asked for.</summary>
public class ApiCommandTests
{
    [Theory]
    [InlineData("")]
    [InlineData("--rounds 1 --requests 64 --connections 8 --batch 500 --writers 2 --list 10 --json")]
    public void Parse_WhatCanBeMeasured_IsTaken(string line) => Assert.Empty(ApiCommand.Create().Parse(line).Errors);

    [Theory]
    [InlineData("--rounds 0")]
    [InlineData("--batch many")]
    [InlineData("--speed")]
    public void Parse_WhatCannot_IsRefused(string line) => Assert.NotEmpty(ApiCommand.Create().Parse(line).Errors);
}
