using System.Text.Json;

namespace Webhooks.Server;

/// <summary>What is asked of a path outside the API, or with a method that such a path does not take, is refused in the API's shape, for whoever has mistyped the prefix.</summary>
internal static class OtherPaths
{
    /// <summary>Gives refusals without a body theirs; the API's own have one.</summary>
    public static void RefuseOtherPaths(this WebApplication app) => app.UseStatusCodePages(context => WriteAsync(context.HttpContext));

    private static async Task WriteAsync(HttpContext http)
    {
        if (Refusal(http.Response.StatusCode) is not var (code, message)) return;
        var requestId = "req_" + Guid.CreateVersion7().ToString("N");
        http.Response.Headers["X-Request-Id"] = requestId;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("code", code);
        json.WriteString("message", message);
        json.WriteStartObject("details");
        json.WriteEndObject();
        json.WriteString("request_id", requestId);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static (string Code, string Message)? Refusal(int status) => status switch
    {
        404 => ("not_found", "There is no such path; those of the API start with /v1."),
        405 => ("method_not_allowed", "The method is not one of this path; Allow names those that are."),
        _ => null,
    };
}
