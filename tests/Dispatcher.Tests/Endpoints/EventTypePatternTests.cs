using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Tests.Endpoints;

public class EventTypePatternTests
{
    private static readonly Gen<string> Part = Gen.Elements("a", "b", "ab", "A", "_", "-", "1");
    private static readonly Gen<string> PatternPart = Gen.Frequency((2, Part), (1, Gen.Constant("*")), (1, Gen.Constant("**")));

    [Theory]
    [InlineData("**", "a", true)]
    [InlineData("**", "a.b.c", true)]
    [InlineData("*", "a", true)]
    [InlineData("*", "a.b", false)]
    [InlineData("a.*", "a", false)]
    [InlineData("a.*", "a.b", true)]
    [InlineData("a.*", "a.b.c", false)]
    [InlineData("a.**", "a", false)]
    [InlineData("a.**", "a.b.c", true)]
    [InlineData("*.paid", "invoice.paid", true)]
    [InlineData("*.paid", "paid", false)]
    [InlineData("invoice", "invoice.paid", false)]
    [InlineData("invoice.paid", "invoice", false)]
    [InlineData("invoice.paid", "Invoice.paid", false)]
    [InlineData("a.b", "a.bc", false)]
    public void Matches_Pattern_AsDocumented(string pattern, string type, bool matches)
    {
        Assert.Null(EventTypePattern.Problem(pattern));
        Assert.Equal(matches, EventTypePattern.Matches(pattern, type));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.")]
    [InlineData("**.a")]
    [InlineData("a.**.b")]
    [InlineData("a*")]
    [InlineData("***")]
    [InlineData("a b")]
    [InlineData("a..*")]
    public void Problem_AnythingElse_IsNamed(string? pattern) => Assert.NotNull(EventTypePattern.Problem(pattern));

    [Fact]
    public void Matches_AnyPattern_AgreesWithARegularExpression() =>
        Prop.ForAll(Arb.From(PatternPart.NonEmptyListOf()), Arb.From(Part.NonEmptyListOf()), (patternParts, typeParts) =>
        {
            var (pattern, type) = (string.Join('.', patternParts), string.Join('.', typeParts));
            var valid = !patternParts.Take(patternParts.Count - 1).Contains("**");
            Assert.Equal(valid, EventTypePattern.Problem(pattern) is null);
            if (!valid) return;
            var regex = "^" + string.Join("\\.", patternParts.Select(part => part switch { "*" => "[^.]+", "**" => ".+", _ => Regex.Escape(part) })) + "$";
            Assert.Equal(Regex.IsMatch(type, regex), EventTypePattern.Matches(pattern, type));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithQuietOnSuccess(true));
}
