using System.Text.Json;

namespace Webhooks.Conformance.Observing;

/// <summary>One event that the receiver has handled.</summary>
internal sealed record Handled(string Id, long? Seq);

/// <summary>
/// Asks the receiver what it has handled: <c>GET</c> to the observer's URL gives <c>{"handled":[{"id":"…","seq":1},…]}</c>, one entry for each
/// time an effect was made, in the order in which they were made.
/// </summary>
internal sealed class Observer(Func<CancellationToken, Task<Stream>> read)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(25);

    public static Observer At(HttpClient http, Uri url) => new(cancel => http.GetStreamAsync(url, cancel));

    /// <exception cref="HttpRequestException">The observer cannot be reached.</exception>
    /// <exception cref="JsonException">It answers something else.</exception>
    public async Task<IReadOnlyList<Handled>> ReadAsync(CancellationToken cancel)
    {
        await using var stream = await read(cancel);
        using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancel);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("handled", out var handled) || handled.ValueKind != JsonValueKind.Array)
            throw new JsonException("the observer's answer has no array \"handled\"");
        return [.. handled.EnumerateArray().Select(one => new Handled(
            one.GetProperty("id").GetString()!, one.TryGetProperty("seq", out var seq) && seq.ValueKind == JsonValueKind.Number ? seq.GetInt64() : null))];
    }

    /// <summary>Reads until something is so, or patience ends; gives the last that was read.</summary>
    public async Task<IReadOnlyList<Handled>> UntilAsync(Func<IReadOnlyList<Handled>, bool> isSo, TimeSpan patience, CancellationToken cancel)
    {
        var until = DateTime.UtcNow + patience;
        while (true)
        {
            // It may be down for a moment, after a restart.
            try
            {
                var handled = await ReadAsync(cancel);
                if (isSo(handled) || DateTime.UtcNow > until) return handled;
            }
            catch (HttpRequestException) when (DateTime.UtcNow <= until)
            {
            }

            await Task.Delay(Look, cancel);
        }
    }
}
