using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Webhooks.Conformance.Running;

namespace Webhooks.Conformance.Reporting;

/// <summary>A run as one JSON object on one line.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Of(SuiteOutcome outcome) => JsonSerializer.Serialize(
        new
        {
            outcome.Passed,
            outcome.Failed,
            outcome.Skipped,
            Cases = outcome.Results.Select(result => new
            {
                result.Case.Name, result.Case.Title, result.Verdict, result.Reason, Seconds = Math.Round(result.Took.TotalSeconds, 3),
            }),
        }, Options);
}
