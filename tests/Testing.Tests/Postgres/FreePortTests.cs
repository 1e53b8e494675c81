namespace Webhooks.Testing.Tests;

public class FreePortTests
{
    // A receiver that was killed and started again found that another process' server had taken its port meanwhile.
    [Fact]
    public void Next_WhatWasGivenOut_NoOtherProcessIsGiven()
    {
        var ports = Enumerable.Range(0, 20).Select(_ => FreePort.Next()).ToList();
        Assert.Equal(20, ports.Distinct().Count());
        // As another process does before it takes one.
        Assert.All(ports, port => Assert.Throws<IOException>(() =>
            new FileStream(Path.Combine(Path.GetTempPath(), "webhooks-ports", $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)));
    }
}
