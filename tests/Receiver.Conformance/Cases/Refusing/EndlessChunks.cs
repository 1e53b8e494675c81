using System.Net.Sockets;
using Webhooks.Conformance.Wire;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class EndlessChunks() : ConformanceCase(
    "too-large-chunked", "A body without a stated length is counted as it comes, and cut off at the limit",
    "Chunks have no length to judge by; a receiver that looks at Content-Length only reads until its memory is full. Chunks are sent until it answers; far beyond its limit it must have.")
{
    private const int ChunkBytes = 64 * 1024;

    // What lies in the buffers between is not yet read by anybody.
    private const int Slack = 24 * 1024 * 1024;

    public override async Task RunAsync(CaseRun run)
    {
        var (answer, sent) = await SendAsync(run);
        if (sent >= run.Settings.MaxBody + Slack) run.Problem($"{sent / 1024 / 1024} MiB were taken, the limit is {run.Settings.MaxBody / 1024} KiB");
        else if (!answer.IsRefusal && answer.Status != 0) run.Problem($"more than the limit in chunks was answered {answer}, not 413");

        var chunked = run.Stream.Next();
        await run.AcceptAsync(chunked, run.Attempt(chunked) with { IsChunked = true }, "a small valid delivery in chunks");
        await run.HandledOnceAsync(chunked);
    }

    private static async Task<(WireAnswer Answer, long Sent)> SendAsync(CaseRun run)
    {
        var request = run.Attempt(run.Stream.Draft()).ToRequest() with { IsChunked = true };
        await using var connection = await WireConnection.OpenAsync(run.Url, run.Cancel);
        await connection.WriteHeadAsync(request, run.Cancel);
        var reading = connection.ReadAnswerAsync(run.Cancel);
        var chunk = WireRequest.Chunk(new byte[ChunkBytes]);
        long sent = 0;
        try
        {
            for (; sent < run.Settings.MaxBody + Slack && !reading.IsCompleted; sent += ChunkBytes)
                if (await Task.WhenAny(connection.WriteAsync(chunk, run.Cancel), Task.Delay(run.Settings.Patience, run.Cancel)) is { IsFaulted: true }) break;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
        }

        return await Task.WhenAny(reading, Task.Delay(run.Settings.Patience, run.Cancel)) == reading
            ? (await reading, sent)
            : (WireAnswer.None("the connection stands still"), sent);
    }
}
