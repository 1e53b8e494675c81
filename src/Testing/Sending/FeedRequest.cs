using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>A request to a <see cref="TestFeed"/>, from a socket or from memory.</summary>
internal sealed record FeedRequest(string Path, string Query, Func<string, string> Header, byte[] Body)
{
    public long? Number(string name) =>
        QueryHelpers.ParseQuery(Query).TryGetValue(name, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    /// <summary>The number in a body such as <c>{"after":57}</c>.</summary>
    public long? After()
    {
        try
        {
            using var json = JsonDocument.Parse(Body);
            return json.RootElement.GetProperty("after").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public bool IsSigned(byte[] content, TestSender by) => WebhookVerifier.Verify(
        Header(WebhookHeaders.Id), Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), content, [.. by.Secrets], by.Clock.GetUtcNow()).IsValid;

    /// <summary>An answer to this request, which its signature ties to it.</summary>
    public FeedAnswer Answered(int status, string body, TestSender by)
    {
        var id = Header(WebhookHeaders.Id);
        var (bytes, timestamp) = (Encoding.UTF8.GetBytes(body), by.Clock.GetUtcNow().ToUnixTimeSeconds());
        var signature = WebhookSigner.Sign("ans_test", timestamp, bytes, [.. by.Secrets], SignedContent.AnswerPrefix(id));
        return new FeedAnswer(status, bytes,
        [
            new("Content-Type", "application/json"), new(WebhookHeaders.Id, "ans_test"),
            new(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture)), new(WebhookHeaders.Signature, signature),
        ]);
    }
}

/// <summary>What a <see cref="TestFeed"/> answers.</summary>
internal sealed record FeedAnswer(int Status, byte[] Body, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public static FeedAnswer Unsigned(int status) => new(status, [], []);
}
