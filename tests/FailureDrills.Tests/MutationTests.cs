using Webhooks.FailureDrills.Catalogue;
using Webhooks.FailureDrills.Mutations;

namespace Webhooks.FailureDrills.Tests;

/// <summary>Mutations are about the source as it is, and about drills that are there.</summary>
public class MutationTests
{
    [Fact]
    public void EachMutation_FindsItsTextExactlyOnce() => Assert.All(AllMutations.All, mutation =>
    {
        var text = File.ReadAllText(Path.Combine(Root(), mutation.File));
        var first = text.IndexOf(mutation.Find, StringComparison.Ordinal);
        Assert.True(first >= 0, $"{mutation.Name}: its text is not in {mutation.File} any more");
        Assert.True(text.IndexOf(mutation.Find, first + 1, StringComparison.Ordinal) < 0, $"{mutation.Name}: its text is there more than once");
    });

    [Fact]
    public void Names_AreUnique() => Assert.Equal(AllMutations.All.Count, AllMutations.All.Select(mutation => mutation.Name).Distinct().Count());

    [Fact]
    public void EachMutation_HasADrillThatIsSaidToNoticeIt() =>
        Assert.All(AllMutations.All, mutation => Assert.Contains(AllDrills.All, drill => drill.Bites.Contains(mutation.Name)));

    [Fact]
    public void EachNameThatADrillIsSaidToNotice_IsThatOfAMutation()
    {
        var known = AllMutations.All.Select(mutation => mutation.Name).ToHashSet();
        Assert.All(AllDrills.All, drill => Assert.All(drill.Bites, name => Assert.True(known.Contains(name), $"{drill.Name} is said to notice {name}, which is no mutation")));
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Webhooks.sln"))) folder = folder.Parent;
        return folder.FullName;
    }
}
