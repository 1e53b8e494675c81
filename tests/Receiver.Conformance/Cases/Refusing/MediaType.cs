namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class MediaType() : RefusalCase(
    "media-type", "What does not say that it is JSON is refused; a charset beside it is no harm",
    "An early return for a media type must set a status: one library answered 200 without having looked at the request. And \"application/json; charset=utf-8\" is JSON.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("no content type", attempt => attempt with { ContentType = "" }),
        new("no content type and a wrong signature", attempt => attempt with { ContentType = "", SignatureHeader = "v1," + Convert.ToBase64String(new byte[32]) }),
        new("text/plain", attempt => attempt with { ContentType = "text/plain" }),
        new("a form", attempt => attempt with { ContentType = "application/x-www-form-urlencoded" }),
        new("no media type at all", attempt => attempt with { ContentType = "json" }),
    ];

    protected override IEnumerable<Spoilt> Controls(CaseRun run) =>
    [
        new("application/json; charset=utf-8", attempt => attempt with { ContentType = "application/json; charset=utf-8" }),
        new("Application/JSON", attempt => attempt with { ContentType = "Application/JSON" }),
    ];
}
