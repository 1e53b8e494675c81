using System.Text;
using Webhooks.Dispatcher.Publishing;

namespace Webhooks.Dispatcher.Tests.Publishing;

public class EventRulesTests
{
    private static readonly ApplicationId Application = ApplicationId.New();

    public static TheoryData<string> JsonOfAnyShape => new(
        "{}", "[]", "null", "true", "0", "-0.0e-5", "\"\"", " {\"a\" : 1}\r\n\t", "\"\\ud800\"", "\"\\ude00\\ud83d\"", "{\"a\":1,\"a\":2}", "123456789012345678901234567890.1234567890123456789e400",
        "{\"\":\"\"}", "\"\\u0000\"", "[[[]],{}]", "\"𝄞\"");

    public static TheoryData<string, string> NotJson => new()
    {
        { "", "Required" }, { " ", "not JSON" }, { "{", "not JSON" }, { "1 2", "not JSON" }, { "{}{}", "not JSON" }, { "{'a':1}", "not JSON" }, { "[1,]", "not JSON" },
        { "// x\n1", "not JSON" }, { "NaN", "not JSON" }, { "01", "not JSON" }, { "\"\u0001\"", "not JSON" }, { "\uFEFF{}", "not JSON" }, { "{\n\"secret\":tru}", "line 2, byte" },
    };

    [Theory]
    [MemberData(nameof(JsonOfAnyShape))]
    public void Check_JsonOfAnyShape_IsAccepted(string json) => Check(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void Check_HundredThousandLevelsDeep_IsAccepted()
    {
        Check(Encoding.UTF8.GetBytes(new string('[', 100_000) + new string(']', 100_000)));
        var objects = string.Concat(Enumerable.Repeat("{\"a\":", 40_000)) + "1" + new string('}', 40_000);
        Check(Encoding.UTF8.GetBytes(objects));
    }

    [Theory]
    [MemberData(nameof(NotJson))]
    public void Check_NotJson_IsRefusedWithoutShowingIt(string text, string says)
    {
        var refused = Assert.Throws<WebhookValidationException>(() => Check(Encoding.UTF8.GetBytes(text)));
        var problem = Assert.Single(refused.Errors["data"]);
        Assert.Contains(says, problem);
        Assert.DoesNotContain("secret", refused.Message);
    }

    [Theory]
    [InlineData(new byte[] { 0x22, 0xFF, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xC0, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xED, 0xA0, 0x80, 0x22 })]
    public void Check_MalformedUtf8_IsRefused(byte[] data) =>
        Assert.Contains("UTF-8", Assert.Throws<WebhookValidationException>(() => Check(data)).Errors["data"][0]);

    [Fact]
    public void Check_Size_IsBoundedExactly()
    {
        var most = Encoding.UTF8.GetBytes("\"" + new string('x', 1022) + "\"");
        Check(most, max: 1024);
        var refused = Assert.Throws<WebhookValidationException>(() => Check([.. most, (byte)' '], max: 1024));
        Assert.Equal("data: Must have at most 1024 bytes; it has 1025.", refused.Message);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("invoice.paid")]
    [InlineData("A-1_b.c.D")]
    public void Type_DotSeparatedParts_IsAccepted(string type) => Assert.Null(EventRules.TypeProblem(type));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a.*")]
    [InlineData("é")]
    [InlineData("a\n")]
    [InlineData("a\"")]
    public void Type_AnythingElse_IsRefused(string? type) => Assert.NotNull(EventRules.TypeProblem(type));

    [Fact]
    public void Type_Length_IsBoundedExactly()
    {
        Assert.Null(EventRules.TypeProblem(new string('a', 256)));
        Assert.Contains("it has 257", EventRules.TypeProblem(new string('a', 257)));
    }

    [Fact]
    public void Check_SeveralFieldsWrong_AllAreNamed()
    {
        var refused = Assert.Throws<WebhookValidationException>(() =>
            EventRules.Check(new EventToPublish(default, "no no", default) { DedupeKey = "a\0b" }, 10));
        Assert.Equal(["application", "data", "dedupe_key", "type"], refused.Errors.Keys.Order());
        Assert.DoesNotContain("no no", refused.Message);
    }

    /// <summary>The database takes neither; within a group commit it would refuse everybody's events with it.</summary>
    [Fact]
    public void Check_DedupeKeyThatNoColumnTakes_IsRefused()
    {
        // Not inline data: an attribute cannot hold half of a surrogate pair.
        foreach (var key in new[] { "\ud800", "a\udc00b", "\ude00\ud83d", "\0", "", new string('k', 257) })
            Assert.Throws<WebhookValidationException>(() => EventRules.Check(new EventToPublish(Application, "a", "1"u8.ToArray()) { DedupeKey = key }, 10));
    }

    [Fact]
    public void Check_DedupeKeyOfAnyText_IsAccepted() =>
        EventRules.Check(new EventToPublish(Application, "a", "1"u8.ToArray()) { DedupeKey = "Zahlung 7 😀 \t" }, 10);

    private static void Check(byte[] data, int max = 512 * 1024) => EventRules.Check(new EventToPublish(Application, "a", data), max);
}
