using Webhooks.Signing;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class AnotherKind() : RefusalCase(
    "another-kind-of-message", "What was signed as a message of another kind is no delivery",
    "The same secret signs feed requests, their answers and requests to resume. None of them may be taken for a delivery by whoever recorded it.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("an answer", attempt => attempt with { Prefix = SignedContent.AnswerPrefix(attempt.Id) }),
        new("a feed request", attempt => attempt with { Prefix = SignedContent.FeedRequest(run.Stream.Endpoint, 1, 100) }),
        new("a request to resume", attempt => attempt with { Prefix = SignedContent.ResumeRequest(run.Stream.Endpoint, 1, 1) }),
    ];
}
