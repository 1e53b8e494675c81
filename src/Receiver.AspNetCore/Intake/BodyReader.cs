using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Webhooks.Receiver;

/// <summary>How reading a body ended.</summary>
internal enum BodyStatus
{
    /// <summary>All of it is there.</summary>
    Complete,

    /// <summary>It is larger than allowed.</summary>
    TooLarge,

    /// <summary>It came too slowly.</summary>
    TooSlow,

    /// <summary>The connection or the request's framing broke.</summary>
    Broken,

    /// <summary>Something in the application read it before, so its bytes are gone.</summary>
    Consumed,
}

/// <summary>Reads a body once, as bytes, counting them as they come: a chunked request has no length to judge by.</summary>
internal static class BodyReader
{
    private const int MaxInitialBuffer = 64 * 1024;
    private const int MinRead = 256;

    public static async Task<(BodyStatus Status, ReadOnlyMemory<byte> Body)> ReadAsync(
        HttpContext context, int maxBytes, TimeSpan timeout, TimeProvider time)
    {
        var request = context.Request;
        if (request.ContentLength > maxBytes) return (BodyStatus.TooLarge, default);
        if (WasRead(context)) return (BodyStatus.Consumed, default);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = maxBytes;

        using var timer = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, context.RequestAborted);
        // A stated length is only a claim: what has not come yet takes no memory. The end is only seen by reading on, which wants room too.
        var body = new ArrayBufferWriter<byte>((int)Math.Clamp(request.ContentLength + MinRead ?? 4096, MinRead, MaxInitialBuffer));
        try
        {
            while (true)
            {
                var read = await request.Body.ReadAsync(body.GetMemory(MinRead), either.Token).ConfigureAwait(false);
                if (read == 0) break;
                body.Advance(read);
                if (body.WrittenCount > maxBytes) return (BodyStatus.TooLarge, default);
            }
        }
        catch (OperationCanceledException)
        {
            return (timer.IsCancellationRequested ? BodyStatus.TooSlow : BodyStatus.Broken, default);
        }
        catch (BadHttpRequestException e)
        {
            return (e.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => BodyStatus.TooLarge,
                StatusCodes.Status408RequestTimeout => BodyStatus.TooSlow,
                _ => BodyStatus.Broken,
            }, default);
        }
        catch (IOException)
        {
            return (BodyStatus.Broken, default);
        }

        // A stated length and no bytes at all: the server would have complained of a short body, so somebody read it.
        return body.WrittenCount == 0 && request.ContentLength > 0
            ? (BodyStatus.Consumed, default)
            : (BodyStatus.Complete, body.WrittenMemory);
    }

    private static bool WasRead(HttpContext context) =>
        (context.Request.Body.CanSeek && context.Request.Body.Position > 0) || context.Features.Get<IFormFeature>()?.Form is not null;
}
