using System.Buffers;
using System.Text.Json;

namespace Webhooks.Dispatcher.Api;

/// <summary>The one shape of every error (design, section 7).</summary>
internal static class ApiError
{
    public static readonly IReadOnlyDictionary<string, string[]> NoDetails = new Dictionary<string, string[]>();

    public static ApiResult Of(ApiProblem problem, string message, string requestId, IReadOnlyDictionary<string, string[]>? details = null)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("code", problem.Code);
            json.WriteString("message", message);
            json.WriteStartObject("details");
            foreach (var (field, problems) in details ?? NoDetails)
            {
                json.WriteStartArray(field);
                foreach (var one in problems) json.WriteStringValue(one);
                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteString("request_id", requestId);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return new ApiResult(problem.Status, body.WrittenSpan.ToArray());
    }
}
