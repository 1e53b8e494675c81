using System.Text;
using Webhooks.Dispatcher.Api;

namespace Webhooks.Dispatcher.Tests.Api;

/// <summary>How answers are written.</summary>
public class ApiResultTests
{
    [Fact]
    public void Answer_CharactersOfBase64AndOfOtherLanguages_StandAsTheyAre()
    {
        var answer = new ApplicationAnswer("app_1", "whsec_a+b/c== & 日本 \"x\"", false, null, default);
        var text = Encoding.UTF8.GetString(ApiResult.Of(answer, ApiJson.Default.ApplicationAnswer).Body!);
        Assert.Contains("\"name\":\"whsec_a+b/c== & 日本 \\\"x\\\"\"", text, StringComparison.Ordinal);
    }
}
