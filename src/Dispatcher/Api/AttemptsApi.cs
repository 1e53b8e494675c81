using System.Text.Json;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// What became of an endpoint's events: the evidence of each attempt that failed, and the runs of numbers that were settled. A delivery that goes well leaves no row of its own.
/// </summary>
internal sealed class AttemptsApi(WebhookDatabase database, EndpointRecords records) : IApiResource
{
    private const string Tag = "Attempts";

    private static readonly string[] Outcomes = [.. Enum.GetValues<AttemptOutcome>().Where(outcome => outcome != AttemptOutcome.Delivered).Select(outcome => outcome.Word())];

    private static readonly ApiParameter Since = new("since", """{"type":"string","format":"date-time"}""", "Not older than this.");
    private static readonly ApiParameter Until = new("until", """{"type":"string","format":"date-time"}""", "Older than this.");
    private static readonly ApiParameter Seq = new("seq", """{"type":"integer","minimum":1}""", "Of this number only.");

    public IEnumerable<ApiRoute> Routes =>
    [
        new("GET", "/endpoints/{endpoint}/attempts", WebhookApiScopes.EndpointsRead, "List the failed attempts of an endpoint, newest first", ListAttemptsAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListAttemptAnswer, Problems = [ApiProblem.NotFound],
            Query =
            [
                .. ApiCursor.Parameters, Seq, Since, Until,
                new("outcome", $$"""{"type":"string","enum":["{{string.Join("\",\"", Outcomes)}}"]}""", "That ended so only."),
            ],
        },
        new("GET", "/endpoints/{endpoint}/settlements", WebhookApiScopes.EndpointsRead, "List what was settled of an endpoint's stream, as runs of numbers, newest first", ListSettlementsAsync)
        {
            Tag = Tag, Answer = ApiJson.Default.ApiListSettlementAnswer, Problems = [ApiProblem.NotFound], Query = [.. ApiCursor.Parameters, Seq, Since, Until],
        },
    ];

    private async Task<ApiResult> ListAttemptsAsync(ApiCall call)
    {
        var (cursor, limit, range) = (ApiCursor.Of(call), ApiCursor.LimitOf(call), RangeOf(call));
        var outcome = call.Query("outcome");
        if (outcome is not null && !Outcomes.Contains(outcome)) throw ApiException.Of(ApiProblem.MalformedRequest, "outcome", $"outcome must be one of {string.Join(", ", Outcomes)}.");
        var endpoint = await records.SeeAnyAsync(call);
        await using var command = database.Command(
            cursor.Back ? "Api/list_newer_attempts" : "Api/list_attempts", endpoint.Bucket, endpoint.Key, cursor.Key, limit + 1, range.Seq, range.Since, range.Until, outcome);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, AttemptAnswer)>();
        while (await reader.ReadAsync(call.Cancel))
        {
            found.Add((reader.GetInt64(0), new AttemptAnswer(
                reader.GetInt64(1), reader.GetInt32(2), reader.GetFieldValue<DateTimeOffset>(3), reader.GetInt32(4), reader.GetString(5),
                reader.IsDBNull(6) ? null : reader.GetInt32(6), reader.GetString(7),
                reader.IsDBNull(8) ? null : JsonSerializer.Deserialize(reader.GetString(8), ApiJson.Default.PhasesAnswer))));
        }

        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListAttemptAnswer);
    }

    private async Task<ApiResult> ListSettlementsAsync(ApiCall call)
    {
        var (cursor, limit, range) = (ApiCursor.Of(call), ApiCursor.LimitOf(call), RangeOf(call));
        var endpoint = await records.SeeAnyAsync(call);
        await using var command = database.Command(
            cursor.Back ? "Api/list_newer_settlements" : "Api/list_settlements", endpoint.Bucket, endpoint.Key, cursor.Key, limit + 1, range.Seq, range.Since, range.Until);
        await using var reader = await command.ExecuteReaderAsync(call.Cancel);
        var found = new List<(long, SettlementAnswer)>();
        while (await reader.ReadAsync(call.Cancel))
            found.Add((reader.GetInt64(0), new SettlementAnswer(reader.GetInt64(1), reader.GetInt64(2), reader.GetString(3), reader.GetFieldValue<DateTimeOffset>(4))));
        return ApiResult.Of(cursor.Page(found, limit), ApiJson.Default.ApiListSettlementAnswer);
    }

    private static (long? Seq, DateTimeOffset? Since, DateTimeOffset? Until) RangeOf(ApiCall call) =>
        (call.QueryNumber("seq", 1, long.MaxValue - 1), call.QueryTime("since"), call.QueryTime("until"));
}

/// <summary>A failed attempt as it is answered.</summary>
internal sealed record AttemptAnswer(long Seq, int Number, DateTimeOffset StartedAt, int DurationMs, string Outcome, int? StatusCode, string Detail, PhasesAnswer? PhasesMs);

/// <summary>How long the parts of an attempt took, in milliseconds; those of a connection only where the attempt made one.</summary>
internal sealed record PhasesAnswer(double? Dns, double? Connect, double? Tls, double? Answer);

/// <summary>A settled run of numbers as it is answered.</summary>
internal sealed record SettlementAnswer(long FirstSeq, long LastSeq, string Outcome, DateTimeOffset SettledAt);
