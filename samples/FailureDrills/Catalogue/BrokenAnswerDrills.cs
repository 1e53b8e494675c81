using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Answers that break off, or are none.</summary>
internal static class BrokenAnswerDrills
{
    // SETTINGS, and GOAWAY with error 13 (HTTP_1_1_REQUIRED): what a server that speaks HTTP/2 alone says to a request of HTTP/1.1.
    private static readonly byte[] GoAway = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("reset-before-answer", "A connection reset in place of an answer is a failed delivery, and the event is sent again")
        {
            Tags = ["answers", "broken"],
            Story = """
                A load balancer in front of the customer's application drops the connection after it took the request. Whether the event was processed
                is unknown, so it is sent again with the same id and number.
                """,
            Stub = Script.Of(Answer.Broken(Fault.Reset), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 2), See.Attempts("connection_reset"), See.NeverPaused],
            Bites = ["broken-off-fails"],
        },
        new("reset-in-the-body", "An answer that breaks off in its body is a failed delivery, whatever its status")
        {
            Tags = ["answers", "broken", "bytes"],
            Story = """
                The head of the answer says 200 and a thousand bytes; after a hundred of them the connection is reset. An answer that is not whole is
                none.
                """,
            Stub = Script.Of(
                Answer.Exactly("200, a part of the body, and a reset",
                    Bytes.Of($"HTTP/1.1 200 OK\nContent-Length: 1000\n\n{new string('x', 100)}", Ending.Resets, 0.3)), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 2), See.Attempts("connection_reset"), See.NeverPaused],
            Bites = ["broken-off-fails"],
        },
        new("reset-after-answer", "A reset after a whole answer takes nothing back")
        {
            Tags = ["answers", "broken", "bytes"],
            Story = """
                The answer is whole, and then the server resets the connection instead of closing it in order. The event was accepted and is not sent
                again; the next one goes over another connection.
                """,
            Stub = Script.Of(Answer.Exactly("200, and a reset afterwards", Bytes.Of("HTTP/1.1 200 OK\nConnection: close\nContent-Length: 2\n\nok", Ending.Resets, 0.5))),
            Steps = [Publish(3), Until(See.Delivered(3))],
            Expect = [See.Arrived(1, 2, 3), See.Attempts(), See.NeverPaused],
        },
        new("malformed-chunk", "A body in chunks that is none is a failed delivery")
        {
            Tags = ["answers", "broken"],
            Story = """
                The head says 200 and a body in chunks, and then comes what is no chunk. The answer is not whole, so nothing was accepted for certain.
                """,
            Stub = Script.Of(Answer.Broken(Fault.MalformedChunk), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect =
            [
                See.Arrived(1, 1, 2), See.NeverPaused,
                See.That("the attempt failed as invalid_response or connection_reset", Look.Platform,
                    e => e.One.Attempts.Count == 1 && e.One.Attempts[0].Outcome is "invalid_response" or "connection_reset", e => See.Standing(e.One)),
            ],
            Bites = ["broken-off-fails"],
        },
        new("empty-reply", "A connection closed without an answer is a failed delivery")
        {
            Tags = ["answers", "broken"],
            Story = """
                A worker process of the customer's crashes while it has the request: the connection closes without a byte. The event is sent again, to
                the process that took its place.
                """,
            Stub = Script.Of(Answer.Broken(Fault.EmptyReply), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 2), See.Attempts("connection_reset"), See.NeverPaused],
            Bites = ["broken-off-fails"],
        },
        new("random-bytes", "What is no HTTP is a failed delivery")
        {
            Tags = ["answers", "broken"],
            Story = """
                On the customer's port something else listens now, and answers in a language of its own. The dispatcher takes it for a failure and
                says so, and is not confused by it.
                """,
            Bites = ["detail-that-can-be-stored", "no-http-fails"],
            Stub = Script.Of(Answer.Broken(Fault.RandomBytes), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect =
            [
                See.Arrived(1, 1, 2), See.NeverPaused,
                See.That("the attempt failed as invalid_response or connection_reset", Look.Platform,
                    e => e.One.Attempts.Count == 1 && e.One.Attempts[0].Outcome is "invalid_response" or "connection_reset", e => See.Standing(e.One)),
            ],
        },
        new("keep-alive-closed", "A connection that is closed between two requests costs no event and no pause")
        {
            Tags = ["answers", "broken", "bytes"],
            Story = """
                A server promises to keep its connections and closes each right after the answer. The dispatcher may find out only when the next
                request is on its way: that attempt is made again on a fresh connection, nothing is lost, and the endpoint is not paused for it.
                """,
            Stub = Script.Of(Answer.Exactly("204, and closes a connection that was to stay", Bytes.Of("HTTP/1.1 204 No Content\nConnection: keep-alive\n\n", Ending.Closes))),
            Tuning = new() { Waits = [0.02] },
            Steps = [Publish(20), Until(See.Delivered(20))],
            Expect = [See.FailedAtMostAs("connection_reset"), See.NeverPaused, See.AtLeastRequests(20)],
        },
        new("http2-goaway", "A server that speaks HTTP/2 alone and says GOAWAY is a failed delivery")
        {
            Tags = ["answers", "broken", "bytes"],
            Story = """
                A gateway that takes HTTP/2 alone meets a dispatcher that sends HTTP/1.1: it answers with frames, the second of them GOAWAY. That is
                no answer: the event is sent again, and delivered when the gateway is set right.
                """,
            Stub = Script.Of(Answer.Exactly("HTTP/2 SETTINGS and GOAWAY", new Bytes([(GoAway, TimeSpan.Zero)], Ending.Closes)), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect =
            [
                See.Arrived(1, 1, 2), See.NeverPaused,
                See.That("the attempt failed as invalid_response or connection_reset", Look.Platform,
                    e => e.One.Attempts.Count == 1 && e.One.Attempts[0].Outcome is "invalid_response" or "connection_reset", e => See.Standing(e.One)),
            ],
            Bites = ["broken-off-fails"],
        },
    ];
}
