namespace Webhooks.Interop;

public class NodePackagesTests
{
    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, "true", null)]
    [InlineData("no node", null, "no node")]
    [InlineData("no node", "", "no node")]
    [InlineData("no node", "false", "no node")]
    [InlineData("no node", "true", null)] // runs, and fails
    [InlineData("no node", "True", null)]
    [InlineData("no node", "1", null)]
    public void SkipReason_TroubleIsSkippedOverExceptInCi(string? trouble, string? ci, string? expected) =>
        Assert.Equal(expected, NodePackages.SkipReasonFor(trouble, ci));

    [Fact]
    public void LockFile_NamesNoRegistry()
    {
        // A clone installs from whatever registry its machine is set to.
        var text = File.ReadAllText(Path.Combine(NodePackages.Directory, "package-lock.json"));
        Assert.DoesNotContain("resolved", text, StringComparison.Ordinal);
        Assert.DoesNotContain("http", text, StringComparison.Ordinal);
    }
}
