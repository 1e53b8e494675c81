using System.Globalization;
using System.Text;
using System.Text.Json;
using Webhooks.Signing;

namespace Webhooks.FailureDrills.Staging;

/// <summary>Asks for delivery again in the receiver's name, as anybody can who has the secret; the receiver itself knows when that is of no use.</summary>
internal static class ResumeRequest
{
    private static readonly HttpClient Http = new();

    /// <returns>The status and the error's code, such as "409 paused_by_operator".</returns>
    public static async Task<string> SendAsync(Stage stage, long after)
    {
        var endpoint = stage.Target.Id.Value;
        var (id, timestamp) = ($"req_{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(stage.Platform.Url, $"v1/endpoints/{endpoint}/resume"))
        {
            Content = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"after":{{after}}}"""), Encoding.UTF8, "application/json"),
        };
        request.Headers.Add(WebhookHeaders.Id, id);
        request.Headers.Add(WebhookHeaders.Timestamp, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(WebhookHeaders.Signature, WebhookSigner.Sign(id, timestamp, SignedContent.ResumeRequest(endpoint, 1, after), [stage.Target.Secrets[0]]));
        using var answer = await Http.SendAsync(request, stage.Cancel);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(stage.Cancel));
        return $"{(int)answer.StatusCode}{(body.RootElement.TryGetProperty("error", out var error) ? $" {error.GetProperty("code").GetString()}" : "")}";
    }
}
