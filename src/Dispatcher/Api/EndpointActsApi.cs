using System.Text.Json;
using Webhooks.Dispatcher.Delivery;
using Webhooks.Dispatcher.Endpoints;

namespace Webhooks.Dispatcher.Api;

/// <summary>What an operator does with an endpoint's delivery and its secrets.</summary>
internal sealed class EndpointActsApi(EndpointRecords records, WebhookEndpoints endpoints, StreamControl control) : IApiResource
{
    public IEnumerable<ApiRoute> Routes =>
    [
        Act("/pause", "Stop sending; the answer comes when no new request can begin, and nothing is dropped", PauseAsync) with { Body = null },
        Act("/skip", "Give up on one event: the one that is next, or one that is retried beside the stream", SkipAsync) with
        {
            Body = """{"type":"object","additionalProperties":false,"required":["seq"],"properties":{"seq":{"type":"integer","minimum":1}}}""",
            Example = """{"seq":42}""",
        },
        Act("/rotate-secret", "Give it a new secret; both sign until the overlap ends, and the answer alone shows the new one", RotateAsync) with
        {
            Answer = ApiJson.Default.RotatedSecretAnswer, BodyIsOptional = true,
            Body = """
                {"type":"object","additionalProperties":false,"properties":{
                "overlap_seconds":{"type":["integer","null"],"minimum":0,"maximum":604800,"default":86400,
                  "description":"How long the old ones go on signing; 0 ends them at once."},
                """ + EndpointFields.SchemaOfSecret + "}}",
            Example = """{"overlap_seconds":3600}""",
        },
        Act("/revoke-secret", "End a secret at once; not the only live one", RevokeAsync) with
        {
            Answer = ApiJson.Default.EndpointAnswer,
            Body = """{"type":"object","additionalProperties":false,"required":["fingerprint"],"properties":{"fingerprint":{"type":"string","minLength":8,"maxLength":8}}}""",
            Example = """{"fingerprint":"1f2e3d4c"}""",
        },
        new("GET", "/endpoints/{endpoint}/stream", WebhookApiScopes.EndpointsRead, "Read where its stream stands", ReadStreamAsync)
        {
            Tag = EndpointsApi.Tag, Answer = ApiJson.Default.StreamAnswer, Problems = [ApiProblem.NotFound],
        },
    ];

    private static ApiRoute Act(string path, string summary, Func<ApiCall, Task<ApiResult>> run) =>
        new("POST", "/endpoints/{endpoint}" + path, WebhookApiScopes.EndpointsWrite, summary, run)
        {
            Tag = EndpointsApi.Tag, Writes = ApiWrites.InTransaction, Answer = ApiJson.Default.StreamAnswer, Problems = [ApiProblem.NotFound, ApiProblem.ValidationFailed],
        };

    private async Task<ApiResult> PauseAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        call.After(await control.PauseAsync(call.Connection, seen.Id, call.Cancel));
        call.Note("endpoint.paused", seen.Id.Value);
        return await StreamAsync(call, seen);
    }

    private async Task<ApiResult> SkipAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var seq = call.Fields.Number("seq", 1, long.MaxValue, required: true) ?? 0;
        call.Fields.Done();
        call.After(await control.SkipAsync(call.Connection, seen.Id, seq, call.Cancel));
        call.Note("endpoint.skipped", seen.Id.Value, JsonSerializer.Serialize(new { seq }));
        return await StreamAsync(call, seen);
    }

    private async Task<ApiResult> RotateAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var overlap = call.Fields.Number("overlap_seconds", 0, (long)EndpointRules.MaxOverlap.TotalSeconds) is { } seconds
            ? TimeSpan.FromSeconds(seconds) : EndpointRules.DefaultOverlap;
        var own = EndpointFields.ReadSecret(call.Fields);
        call.Fields.Done();
        var secret = call.After(await endpoints.RotateSecretAsync(call.Connection, seen.Id, overlap, own, call.Cancel));
        call.Note("endpoint.secret_rotated", seen.Id.Value, JsonSerializer.Serialize(new { fingerprint = secret.Fingerprint, algorithm = secret.Kind.Word(), overlap_seconds = (long)overlap.TotalSeconds }));
        return ApiResult.Of(new RotatedSecretAnswer(secret.Reveal(), secret.Fingerprint, secret.Kind.Word()), ApiJson.Default.RotatedSecretAnswer);
    }

    private async Task<ApiResult> RevokeAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        var fingerprint = call.Fields.Text("fingerprint", required: true, least: 8, most: 8);
        if (fingerprint is not null && !fingerprint.All(char.IsAsciiHexDigitLower)) call.Fields.Wrong<string>("fingerprint", "Must be 8 lower-case hex digits.");
        call.Fields.Done();
        call.After(await endpoints.RevokeSecretAsync(call.Connection, seen.Id, fingerprint!, call.Cancel));
        call.Note("endpoint.secret_revoked", seen.Id.Value, JsonSerializer.Serialize(new { fingerprint }));
        return ApiResult.Of(await records.ReadAsync(call, seen.Key), ApiJson.Default.EndpointAnswer);
    }

    private async Task<ApiResult> ReadStreamAsync(ApiCall call)
    {
        var seen = await records.SeeAsync(call);
        return ApiResult.Of(StreamAnswer.Of(await control.GetAsync(seen.Id, call.Cancel)), ApiJson.Default.StreamAnswer);
    }

    private async Task<ApiResult> StreamAsync(ApiCall call, SeenEndpoint seen) =>
        ApiResult.Of(StreamAnswer.Of((await control.ReadAsync(call.Connection, seen.Id, call.Cancel)).Status), ApiJson.Default.StreamAnswer);
}
