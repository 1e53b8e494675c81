using System.Globalization;
using System.Net;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>Signs and posts as a dispatcher would, for tests of a receiver.</summary>
/// <param name="http">Sends the requests; it stays the caller's.</param>
/// <param name="url">Where to.</param>
/// <param name="secrets">The live secrets, newest first; at least one.</param>
/// <param name="clock">The clock of timestamps; null for the system's.</param>
public sealed class SignedWebhookClient(HttpClient http, Uri url, IReadOnlyList<WebhookSecret> secrets, TimeProvider? clock = null)
{
    private static readonly SignedPostOptions AsADispatcher = new();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    /// <summary>A client with the system's clock.</summary>
    /// <param name="http">Sends the requests; it stays the caller's.</param>
    /// <param name="url">Where to.</param>
    /// <param name="secrets">The live secrets, newest first; at least one.</param>
    public SignedWebhookClient(HttpClient http, Uri url, params WebhookSecret[] secrets) : this(http, url, secrets, null) { }

    /// <summary>The id that <see cref="PostEventAsync"/> gives an event unless told otherwise: the same for the same place in a stream.</summary>
    public static string EventId(string endpoint, int epoch, long seq) =>
        string.Create(CultureInfo.InvariantCulture, $"evt_{endpoint}_{epoch}_{seq}");

    /// <summary>Signs and posts raw bytes.</summary>
    /// <param name="id">The message id.</param>
    /// <param name="body">The body.</param>
    /// <param name="options">What to do otherwise than a dispatcher would; null for nothing.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The answer, to be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The id cannot be signed; send such a one by <see cref="SignedPostOptions.IdHeader"/>.</exception>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public async Task<HttpResponseMessage> PostAsync(
        string id, ReadOnlyMemory<byte> body, SignedPostOptions? options = null, CancellationToken ct = default)
    {
        options ??= AsADispatcher;
        var timestamp = (options.SignedAt ?? _clock.GetUtcNow()).ToUnixTimeSeconds();
        var signature = WebhookSigner.Sign(id, timestamp, body.Span, [.. options.Secrets ?? secrets]);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(options.BodySent ?? body) };
        Add(WebhookHeaders.Id, options.IdHeader ?? id);
        Add(WebhookHeaders.Timestamp, options.TimestampHeader ?? timestamp.ToString(CultureInfo.InvariantCulture));
        Add(WebhookHeaders.Signature, options.SignatureHeader ?? signature);
        if (options.ContentType.Length > 0) request.Content.Headers.TryAddWithoutValidation("Content-Type", options.ContentType);
        foreach (var (name, value) in options.ExtraHeaders)
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request, ct);

        void Add(string name, string value)
        {
            if (value.Length > 0) request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Builds an event's envelope, signs it and posts it.</summary>
    /// <param name="type">The event's type.</param>
    /// <param name="dataJson">Its data, passed through byte for byte.</param>
    /// <param name="seq">Its number in the stream.</param>
    /// <param name="epoch">The stream's epoch.</param>
    /// <param name="endpoint">The endpoint's id.</param>
    /// <param name="id">The event's id; null for <see cref="EventId"/>.</param>
    /// <param name="options">What to do otherwise than a dispatcher would; null for nothing.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The answer, to be disposed by the caller.</returns>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public Task<HttpResponseMessage> PostEventAsync(
        string type, string dataJson, long seq, int epoch = 1, string endpoint = "ep_test", string? id = null,
        SignedPostOptions? options = null, CancellationToken ct = default)
    {
        id ??= EventId(endpoint, epoch, seq);
        return PostAsync(id, WebhookEnvelope.Build(id, type, _clock.GetUtcNow(), endpoint, epoch, seq, dataJson), options, ct);
    }

    /// <summary>Builds a batch of consecutive events, signs it and posts it.</summary>
    /// <param name="type">The type of each event.</param>
    /// <param name="from">The first number.</param>
    /// <param name="to">The last number.</param>
    /// <param name="dataJson">The data of a number, passed through byte for byte; null makes that event void.</param>
    /// <param name="epoch">The stream's epoch.</param>
    /// <param name="endpoint">The endpoint's id.</param>
    /// <param name="options">What to do otherwise than a dispatcher would; null for nothing.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The answer, to be disposed by the caller.</returns>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public Task<HttpResponseMessage> PostBatchAsync(
        string type, long from, long to, Func<long, string?> dataJson, int epoch = 1, string endpoint = "ep_test",
        SignedPostOptions? options = null, CancellationToken ct = default)
    {
        var now = _clock.GetUtcNow();
        var envelopes = new List<byte[]>();
        for (var seq = from; seq <= to; seq++)
        {
            var id = EventId(endpoint, epoch, seq);
            envelopes.Add(dataJson(seq) is { } data
                ? WebhookEnvelope.Build(id, type, now, endpoint, epoch, seq, data)
                : WebhookEnvelope.BuildVoid(id, type, now, endpoint, epoch, seq));
        }

        var batch = WebhookEnvelope.BatchId(endpoint, epoch, from, to);
        return PostAsync(batch, WebhookEnvelope.BuildBatch(batch, now, endpoint, epoch, from, to, envelopes), options, ct);
    }

    /// <summary>Posts events one after the other in the order given, so that <c>[1, 2, 2, 4, 3]</c> plays a duplicate and a reordering.</summary>
    /// <param name="type">The type of each.</param>
    /// <param name="seqs">Their numbers.</param>
    /// <param name="dataJson">The data of a number.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The status of each answer, in the same order.</returns>
    public async Task<IReadOnlyList<HttpStatusCode>> PostSequenceAsync(
        string type, IEnumerable<long> seqs, Func<long, string> dataJson, CancellationToken ct = default)
    {
        var statuses = new List<HttpStatusCode>();
        foreach (var seq in seqs)
        {
            using var answer = await PostEventAsync(type, dataJson(seq), seq, ct: ct);
            statuses.Add(answer.StatusCode);
        }

        return statuses;
    }
}
