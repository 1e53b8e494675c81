using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Answers by their status alone.</summary>
internal static class StatusDrills
{
    public static IReadOnlyList<Drill> All { get; } =
    [
        new("gone", "410 pauses at once, and what follows is held")
        {
            Tags = ["answers", "pause"],
            Story = """
                A customer has taken the endpoint down for good and answers 410 Gone. Sending on would be of no use to anybody: the first such answer
                pauses the endpoint, and nothing that is published afterwards is lost.
                """,
            Stub = Script.Of(Answer.Of(410, "no longer here")),
            Steps = [Publish(3), Until(See.Paused(PauseReason.Gone)), Publish(2), Until(See.Held(5)), Stay(0.3)],
            Expect =
            [
                See.Paused(PauseReason.Gone, "410"), See.Requests(1), See.Held(5), See.Attempts("gone"),
                See.Changed("endpoint.paused", "dispatcher"), See.Counted("paused", "gone", 1),
            ],
            Bites = ["pause-on-410"],
        },
        new("three-failures", "Three failed deliveries in a row pause")
        {
            Tags = ["answers", "pause"],
            Story = """
                A customer's application fails on every request. After the third failed delivery in a row the endpoint is paused as failing, with the
                last answer as evidence, and sending stops.
                """,
            Stub = Script.Of(Answer.Of(500, "out of order")),
            Steps = [Publish(2), Until(See.Paused(PauseReason.Failing)), Stay(0.3)],
            Expect = [See.Paused(PauseReason.Failing, "500"), See.Requests(3), See.Arrived(1, 1, 1), See.Held(2), See.Attempts("http_error", "http_error", "http_error")],
            Bites = ["pause-on-failures"],
        },
        new("two-failures-then-success", "A delivery resets the count of failures")
        {
            Tags = ["answers"],
            Story = """
                A customer's application fails twice, recovers, and fails twice again later. It never failed three times in a row, so it is never
                paused.
                """,
            Stub = Script.Of(Answer.Of(500).Times(2), Answer.Ok, Answer.Of(500).Times(2), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 1, 2, 2, 2), See.NeverPaused, See.Failures(0)],
            Bites = ["reset-count"],
        },
        new("every-other-fails", "An endpoint that fails on every other request is slow, and never paused")
        {
            Tags = ["answers"],
            Story = """
                One of two machines behind a customer's load balancer is broken: every other request fails. A hundred events take two hundred
                requests; no number is skipped, and there are never three failures in a row.
                """,
            Stub = Script.Cycle(Answer.Of(500), Answer.Ok),
            Tuning = new() { Waits = [0.005] },
            Steps = [Publish(100), Until(See.Delivered(100))],
            Expect =
            [
                See.Requests(200), See.NeverPaused, See.Failures(0),
                See.That("each number came twice, one after the other", Look.Stub,
                    e => e.One.Seqs.SequenceEqual(Enumerable.Range(1, 100).SelectMany(seq => new long[] { seq, seq })), e => See.List(e.One.Seqs)),
            ],
            Budget = TimeSpan.FromSeconds(120),
            Bites = ["reset-count"],
        },
        new("redirects", "301, 307 and 308 are failures, and nobody is sent elsewhere")
        {
            Tags = ["answers", "security"],
            Story = """
                A customer has moved and answers with redirects. Following one would carry a signed event to an address that nobody judged, so none is
                followed: each is a failed delivery, and the customer's endpoint has to be changed at the platform.
                """,
            Stub = Script.Of(
                Answer.Of(301).With("Location", "http://127.0.0.1:9/moved"), Answer.Of(307).With("Location", "/moved"),
                Answer.Of(308).With("Location", "http://127.0.0.1:9/moved")),
            Steps = [Publish(1), Until(See.Paused(PauseReason.Failing))],
            Expect = [See.Attempts("redirected", "redirected", "redirected"), See.Requests(3), See.Paused(PauseReason.Failing, "308")],
            Bites = ["no-redirects"],
        },
        new("success-with-error-text", "Only the status counts: 200 with an error message is a delivery")
        {
            Tags = ["answers"],
            Story = """
                A customer's application catches its own exception and answers 200 with an error message in the body. The dispatcher cannot know what
                a customer's words mean: the event is delivered, as Standard Webhooks has it. What was lost behind the 200 the receiver has to find.
                """,
            Stub = Script.Of(Answer.Of(200, "{\"error\":\"database unavailable\"}")),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 2), See.Attempts()],
        },
        new("no-content", "204 without a body is a delivery, and the connection goes on")
        {
            Tags = ["answers"],
            Story = """
                The plainest answer there is, which is what receivers should give: 204 and nothing else. Ten events are delivered with ten requests,
                in order, and nothing is counted against the endpoint.
                """,
            Steps = [Publish(10), Until(See.Delivered(10))],
            Expect = [See.Arrived(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), See.Attempts(), See.NeverPaused],
        },
        new("early-hints", "1xx is no answer yet: the one that follows counts")
        {
            Tags = ["answers", "bytes"],
            Story = """
                A proxy in front of the customer sends 100 Continue, which nobody asked for, and 103 Early Hints before the real answer. Both are
                passed over; the 204 that follows is the delivery.
                """,
            Stub = Script.Of(Answer.Exactly("100, 103 and then 204", Bytes.Of(
                "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </style.css>; rel=preload\n\nHTTP/1.1 204 No Content\n\n", Ending.Stays))),
            Steps = [Publish(3), Until(See.Delivered(3))],
            Expect = [See.Arrived(1, 2, 3), See.Attempts()],
        },
        new("switching-protocols", "101 to a request that asked for no upgrade is a failed delivery")
        {
            Tags = ["answers", "bytes"],
            Story = """
                A confused gateway answers 101 Switching Protocols, as if the request had asked for a web socket. That accepts nothing: it is a failed
                delivery, and the event is sent again on another connection.
                """,
            Stub = Script.Of(Answer.Exactly("101", Bytes.Of("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n", Ending.Closes)), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Arrived(1, 1, 2), See.Attempts("http_error"), See.NeverPaused],
            Bites = ["odd-status-fails"],
        },
        new("status-999", "A status that nobody has defined is a failed delivery")
        {
            Tags = ["answers"],
            Story = """
                A bot filter answers 999, which no standard knows. Whatever is not 2xx was not accepted: the event is sent again, and when the filter
                is out of the way it is delivered.
                """,
            Stub = Script.Of(Answer.Of(999).Times(2), Answer.Ok),
            Steps = [Publish(1), Until(See.Delivered(1))],
            Expect = [See.Arrived(1, 1, 1), See.Attempts("http_error", "http_error"), See.NeverPaused],
            Bites = ["odd-status-fails"],
        },
        new("status-000", "Status 000 is a failed delivery, not a crash")
        {
            Tags = ["answers", "bytes"],
            Story = """
                A home-made server writes its status before it has one, and answers 000. It is a failed delivery like any other, with the answer as
                evidence.
                """,
            Stub = Script.Of(Answer.Exactly("status 000", Bytes.Of("HTTP/1.1 000 Nothing\nContent-Length: 0\n\n", Ending.Closes))),
            Steps = [Publish(1), Until(See.Paused(PauseReason.Failing))],
            Expect =
            [
                See.Requests(3),
                See.That("the attempts failed as http_error or invalid_response", Look.Platform,
                    e => e.One.Attempts.Count == 3 && e.One.Attempts.All(one => one.Outcome is "http_error" or "invalid_response"), e => See.Standing(e.One)),
            ],
        },
    ];
}
