using System.Net.Sockets;

namespace Webhooks.Conformance.Wire;

/// <summary>Sends whole requests, and says what came of each.</summary>
internal sealed class WireClient(TimeSpan patience)
{
    public async Task<WireAnswer> SendAsync(Uri url, WireRequest request, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            await using var connection = await WireConnection.OpenAsync(url, either.Token);
            // An answer may come before all is written, and nobody reads the rest: then writing fails, and the answer is there all the same.
            var writing = WriteAsync(connection, request, either.Token);
            var answer = await connection.ReadAnswerAsync(either.Token);
            await writing;
            return answer;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return WireAnswer.None(e.Message);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return WireAnswer.None($"none within {patience.TotalSeconds:0.#} s");
        }
    }

    private static async Task WriteAsync(WireConnection connection, WireRequest request, CancellationToken cancel)
    {
        try
        {
            await connection.WriteAsync(request, cancel);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
        }
    }
}
