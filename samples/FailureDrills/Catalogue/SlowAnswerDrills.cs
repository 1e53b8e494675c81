using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Answers that take too long, or too much room.</summary>
internal static class SlowAnswerDrills
{
    // Two seconds are up before the answer is, and still enough for a good answer on a machine that is busy.
    private static readonly Tuning Impatient = new() { Timeout = 2 };

    // Time-outs may strike once more where a machine is slow; what matters here is not the count.
    private static EndpointSettings Lenient(EndpointSettings settings) => settings with { FailureThreshold = 50 };

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("slow-headers", "An endpoint that does not begin to answer is timed out, and the event sent again")
        {
            Tags = ["answers", "slow"],
            Story = """
                A customer's application takes the request and then waits for a lock. The dispatcher gives the attempt its time and no more; whether
                the event was processed is unknown, so it is sent again with the same id.
                """,
            Stub = Script.Of(Answer.Of(200).After(8), Answer.Ok),
            Tuning = Impatient, Endpoint = Lenient,
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.FailedOnlyAs("timed_out"), See.AtLeastRequests(3), See.NeverPaused],
            Budget = TimeSpan.FromSeconds(45),
            Bites = ["attempt-timeout"],
        },
        new("slow-body", "An answer whose body drips in is timed out as a whole")
        {
            Tags = ["answers", "slow"],
            Story = """
                The status comes at once, and then the body, a few bytes at a time: each piece in time, all of them together never. The time-out holds
                for the attempt as a whole, or one such endpoint could hold a connection for ever.
                """,
            Stub = Script.Of(Answer.Of(200, new string('.', 100)).Dribbled(8, 20), Answer.Ok),
            Tuning = Impatient, Endpoint = Lenient,
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.FailedOnlyAs("timed_out"), See.AtLeastRequests(3), See.NeverPaused],
            Budget = TimeSpan.FromSeconds(45),
            Bites = ["attempt-timeout"],
        },
        new("head-in-drips", "A head that comes byte by byte is timed out")
        {
            Tags = ["answers", "slow", "bytes"],
            Story = """
                The meanest form of slowness: the status line itself comes one piece at a time, and never ends. There is always something to read, and
                never an answer.
                """,
            Stub = Script.Of(
                Answer.Exactly("a head that never ends", Bytes.Of("HTTP/1.1 200 OK\n", Ending.Repeats).Then("X-Still-Thinking: yes\n", 0.1)), Answer.Ok),
            Tuning = Impatient, Endpoint = Lenient,
            Steps = [Publish(1), Until(See.Delivered(1))],
            Expect = [See.FailedOnlyAs("timed_out"), See.NeverPaused],
            Budget = TimeSpan.FromSeconds(45),
            Bites = ["attempt-timeout"],
        },
        new("long-body", "An answer larger than the limit is a failed delivery")
        {
            Tags = ["answers", "size"],
            Story = """
                A customer's framework answers a webhook with its whole start page, a megabyte of it. Nobody reads answers for their beauty: beyond 64
                KiB the rest is left alone, and the delivery has failed, so that the customer hears of it.
                """,
            Stub = Script.Of(Answer.Of(200, new string('x', 1024 * 1024)), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Attempts("response_too_large"), See.Arrived(1, 1, 2), See.NeverPaused],
            Bites = ["response-bound"],
        },
        new("endless-body", "A body that never ends is broken off at the limit")
        {
            Tags = ["answers", "size", "bytes"],
            Story = """
                An endpoint, broken or hostile, answers 200 and then sends without end, as fast as it can. The dispatcher reads 64 KiB and closes the
                connection; its memory and its time stay its own.
                """,
            Stub = Script.Of(
                Answer.Exactly("200 with a body without end",
                    Bytes.Of("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", Ending.Repeats).Then($"400\n{new string('x', 1024)}\n")), Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Attempts("response_too_large"), See.Arrived(1, 1, 2), See.NeverPaused],
            Bites = ["response-bound"],
        },
        new("huge-headers", "Headers without end are a failed delivery")
        {
            Tags = ["answers", "size", "bytes"],
            Story = """
                A proxy on the customer's side adds the same header again and again, until the head of the answer has ten thousand lines. The
                dispatcher reads no more than a bounded head, and calls what is longer too large.
                """,
            Stub = Script.Of(
                Answer.Exactly("200 with 10,000 headers",
                    Bytes.Of($"HTTP/1.1 200 OK\n{string.Concat(Enumerable.Repeat("X-Via: proxy\n", 10_000))}Content-Length: 0\n\n", Ending.Closes)),
                Answer.Ok),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Attempts("response_too_large"), See.Arrived(1, 1, 2), See.NeverPaused],
            Bites = ["head-bound"],
        },
        new("gzip-bomb", "A compressed answer is not unpacked")
        {
            Tags = ["answers", "size"],
            Story = """
                An endpoint answers 200 with a few kilobytes that unpack to many megabytes. The dispatcher asked for no compression and unpacks
                nothing: the answer is as small as it came, and the event is delivered.
                """,
            Stub = Script.Of(Answer.Of(200) with { Body = Bomb(), Headers = [("Content-Encoding", "gzip")], Words = "200 with a gzip bomb" }),
            Steps = [Publish(2), Until(See.Delivered(2))],
            Expect = [See.Attempts(), See.Arrived(1, 2)],
            Bites = ["no-decompression"],
        },
    ];

    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.SmallestSize))
            gzip.Write(new byte[32 * 1024 * 1024]);
        return packed.ToArray();
    }
}
