using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Webhooks.FailureDrills.Running;
using Webhooks.FailureDrills.Seeing;

namespace Webhooks.FailureDrills.Reporting;

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

    public static string Of(RunOutcome outcome) => JsonSerializer.Serialize(
        new
        {
            Passed = outcome.Count(Verdict.Passed),
            Failed = outcome.Count(Verdict.Failed),
            NotSupported = outcome.Count(Verdict.NotSupported),
            NotRun = outcome.Count(Verdict.NotRun),
            Seconds = Math.Round(outcome.Took.TotalSeconds, 1),
            outcome.Remarks,
            Drills = outcome.Results.Select(result => new
            {
                result.Drill.Name, result.Driver, result.Drill.Tags, result.Drill.Proves, result.Verdict, result.Reason, Seconds = Math.Round(result.Took.TotalSeconds, 3),
                Missed = result.Missed.Count == 0 ? null : result.Missed,
                LastSteps = result.Verdict == Verdict.Failed ? Timeline.Last(result.Timeline) : null,
            }),
        }, Options);
}
