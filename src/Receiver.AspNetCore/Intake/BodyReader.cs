using System.IO.Pipelines;
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

    /// <summary>There is none: the sender sent none, or something in the application read a body without a stated length.</summary>
    Empty,

    /// <summary>Too many bodies are under way for one as large.</summary>
    NoRoom,
}

/// <summary>Reads a body once, as bytes, counting them as they come: a chunked request has no length to judge by.</summary>
internal static class BodyReader
{
    /// <summary>Reads to the end.</summary>
    /// <param name="context">The request.</param>
    /// <param name="body">Where to; it holds whatever has come, however this ends.</param>
    /// <param name="maxBytes">The most it may have.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="time">The clock of that.</param>
    public static async ValueTask<BodyStatus> ReadAsync(HttpContext context, ReceivedBody body, int maxBytes, TimeSpan timeout, TimeProvider time)
    {
        var request = context.Request;
        if (request.ContentLength > maxBytes) return BodyStatus.TooLarge;
        if (WasRead(context)) return BodyStatus.Consumed;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = maxBytes;

        CancellationTokenSource? timer = null;
        CancellationTokenRegistration late = default;
        try
        {
            // The server's own pipe, so that a request of which nothing comes holds no buffer of ours.
            while (true)
            {
                // What has come with the head needs neither clock nor cancellation, and that is nearly every delivery.
                if (!request.BodyReader.TryRead(out var result))
                {
                    if (timer is null)
                    {
                        timer = new CancellationTokenSource(timeout, time);
                        // Not by the read's own token: the server, which goes on reading what is left of a body, would find that read still under way, and log an error.
                        late = timer.Token.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), request.BodyReader);
                    }

                    result = await request.BodyReader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                }

                var status = result.IsCanceled ? BodyStatus.TooSlow
                    : body.Length + result.Buffer.Length > maxBytes ? BodyStatus.TooLarge
                    : !body.TryAppend(result.Buffer) ? BodyStatus.NoRoom
                    : BodyStatus.Complete;
                request.BodyReader.AdvanceTo(result.Buffer.End);
                if (status != BodyStatus.Complete) return status;
                if (result.IsCompleted) break;
            }
        }
        catch (OperationCanceledException)
        {
            return BodyStatus.Broken;
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => BodyStatus.TooLarge,
                StatusCodes.Status408RequestTimeout => BodyStatus.TooSlow,
                _ => BodyStatus.Broken,
            };
        }
        // The connection; or whatever the application has put in the body's place, such as a decompression that does not like what it is given.
        catch (Exception e) when (e is IOException or InvalidDataException or InvalidOperationException or NotSupportedException)
        {
            return BodyStatus.Broken;
        }
        finally
        {
            await late.DisposeAsync().ConfigureAwait(false);
            timer?.Dispose();
        }

        // Fewer bytes than stated: the server would have complained of a short body, so somebody read the rest.
        return body.Length < request.ContentLength ? BodyStatus.Consumed
            // Without a stated length there is no telling who is to blame.
            : body.Length == 0 ? BodyStatus.Empty
            : BodyStatus.Complete;
    }

    private static bool WasRead(HttpContext context) =>
        (context.Request.Body.CanSeek && context.Request.Body.Position > 0) || context.Features.Get<IFormFeature>()?.Form is not null;
}
