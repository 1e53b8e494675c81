using System.Net;
using Webhooks.Signing;

namespace Webhooks.Testing;

/// <summary>
/// Plays the sender for tests of a receiver: publishes the events of one stream, signs and posts them in any order and as often as a test wants, and
/// has the feed of all of them behind it.
/// </summary>
/// <remarks>What is published and not posted is a gap to the receiver, and in the feed. It may be used from several threads.</remarks>
public sealed class TestSender : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<PublishedEvent> _published = [];
    private readonly WebhookSecret[] _secrets;
    private readonly HttpClient? _own;
    private SignedWebhookClient? _client;

    /// <summary>A sender that does not know yet where to post; see <see cref="PostTo"/>.</summary>
    /// <param name="secrets">What it signs with, newest first; without one it makes a secret of its own.</param>
    public TestSender(params WebhookSecret[] secrets) : this(null, secrets) { }

    private TestSender(HttpClient? own, WebhookSecret[] secrets)
    {
        (_own, _secrets) = (own, secrets.Length > 0 ? secrets : [WebhookSecret.Generate()]);
        Feed = new TestFeed(this);
    }

    /// <summary>What it signs with, newest first.</summary>
    public IReadOnlyList<WebhookSecret> Secrets => _secrets;

    /// <summary>The endpoint's id.</summary>
    /// <value>Default: <c>ep_test</c>.</value>
    public string Endpoint { get; init; } = "ep_test";

    /// <summary>The clock of timestamps.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The feed of what is published.</summary>
    public TestFeed Feed { get; }

    /// <summary>All that is published, in the order of the numbers.</summary>
    public IReadOnlyList<PublishedEvent> Published
    {
        get
        {
            lock (_gate) return [.. _published];
        }
    }

    /// <summary>A sender that posts through a client, such as that of a <c>TestServer</c> or a <c>WebApplicationFactory</c>.</summary>
    /// <param name="http">Sends the requests; it stays the caller's.</param>
    /// <param name="path">Where to, relative to the client's base address.</param>
    /// <param name="secrets">What it signs with, newest first; without one it makes a secret of its own.</param>
    public static TestSender To(HttpClient http, string path, params WebhookSecret[] secrets)
    {
        var sender = new TestSender(secrets);
        sender.PostTo(http, path);
        return sender;
    }

    /// <summary>A sender that posts over sockets of its own.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="secrets">What it signs with, newest first; without one it makes a secret of its own.</param>
    public static TestSender To(Uri url, params WebhookSecret[] secrets)
    {
        ArgumentNullException.ThrowIfNull(url);
        var own = new HttpClient();
        var sender = new TestSender(own, secrets);
        sender.PostTo(own, url.AbsoluteUri);
        return sender;
    }

    /// <summary>Says where to post.</summary>
    /// <param name="http">Sends the requests; it stays the caller's.</param>
    /// <param name="path">Where to, relative to the client's base address.</param>
    public void PostTo(HttpClient http, string path) =>
        _client = new SignedWebhookClient(http, new Uri(path, UriKind.RelativeOrAbsolute), _secrets, Clock);

    /// <summary>Publishes events, each with the next number, without posting them: the feed has them, the receiver does not.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="dataJson">The data of each, passed through byte for byte.</param>
    public IReadOnlyList<PublishedEvent> Publish(string type, params string[] dataJson) =>
        [.. dataJson.Select(data => Add(type, (id, seq) => WebhookEnvelope.Build(id, type, Clock.GetUtcNow(), Endpoint, 1, seq, data)))];

    /// <summary>Publishes an event, with the next number, whose data is expunged, without posting it.</summary>
    /// <param name="type">Its type.</param>
    public PublishedEvent PublishVoid(string type) =>
        Add(type, (id, seq) => WebhookEnvelope.BuildVoid(id, type, Clock.GetUtcNow(), Endpoint, 1, seq));

    /// <summary>Publishes an event, with the next number, and posts it.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="dataJson">Its data, passed through byte for byte.</param>
    /// <param name="options">What to do otherwise than a dispatcher would; null for nothing.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The status of the answer.</returns>
    /// <exception cref="InvalidOperationException">It does not know where to post.</exception>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public Task<HttpStatusCode> PostAsync(string type, string dataJson, SignedPostOptions? options = null, CancellationToken ct = default)
    {
        var client = Client();
        var one = Publish(type, dataJson)[0];
        return StatusAsync(client.PostAsync(one.Id, one.Body, options, ct));
    }

    /// <summary>Posts a published event, for the first time or once more.</summary>
    /// <param name="seq">Its number.</param>
    /// <param name="options">What to do otherwise than a dispatcher would; null for nothing.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The status of the answer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No event has this number.</exception>
    /// <exception cref="InvalidOperationException">It does not know where to post.</exception>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public Task<HttpStatusCode> PostAsync(long seq, SignedPostOptions? options = null, CancellationToken ct = default)
    {
        var one = Get(seq);
        return StatusAsync(Client().PostAsync(one.Id, one.Body, options, ct));
    }

    /// <summary>
    /// Posts published events one after the other in the order given: <c>[1, 2, 2, 4, 3]</c> plays a duplicate and a reordering, <c>[1, 3]</c> a loss.
    /// </summary>
    /// <param name="seqs">Their numbers.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The status of each answer, in the same order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No event has one of the numbers.</exception>
    /// <exception cref="InvalidOperationException">It does not know where to post.</exception>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public async Task<IReadOnlyList<HttpStatusCode>> PostAsync(IEnumerable<long> seqs, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(seqs);
        var statuses = new List<HttpStatusCode>();
        foreach (var seq in seqs) statuses.Add(await PostAsync(seq, null, ct));
        return statuses;
    }

    /// <summary>Posts consecutive published events as one batch.</summary>
    /// <param name="from">The first number.</param>
    /// <param name="to">The last number.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The status of the answer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No event has one of the numbers.</exception>
    /// <exception cref="InvalidOperationException">It does not know where to post.</exception>
    /// <exception cref="HttpRequestException">There was no answer.</exception>
    public Task<HttpStatusCode> PostBatchAsync(long from, long to, CancellationToken ct = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(to, from);
        var envelopes = new List<byte[]>();
        for (var seq = from; seq <= to; seq++) envelopes.Add(Get(seq).Body.ToArray());
        var id = WebhookEnvelope.BatchId(Endpoint, 1, from, to);
        return StatusAsync(Client().PostAsync(id, WebhookEnvelope.BuildBatch(id, Clock.GetUtcNow(), Endpoint, 1, from, to, envelopes), null, ct));
    }

    /// <summary>Ends the feed's server, if there is one.</summary>
    public async ValueTask DisposeAsync()
    {
        await Feed.DisposeAsync();
        _own?.Dispose();
    }

    private PublishedEvent Add(string type, Func<string, long, byte[]> build)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_gate)
        {
            var seq = _published.Count + 1;
            var id = SignedWebhookClient.EventId(Endpoint, 1, seq);
            var one = new PublishedEvent(seq, id, type, build(id, seq));
            _published.Add(one);
            return one;
        }
    }

    private PublishedEvent Get(long seq)
    {
        lock (_gate)
        {
            if (seq < 1 || seq > _published.Count) throw new ArgumentOutOfRangeException(nameof(seq), seq, $"Numbers 1 to {_published.Count} are published.");
            return _published[(int)seq - 1];
        }
    }

    private SignedWebhookClient Client() => _client ?? throw new InvalidOperationException("It does not know where to post: call PostTo first.");

    private static async Task<HttpStatusCode> StatusAsync(Task<HttpResponseMessage> answer)
    {
        using var response = await answer;
        return response.StatusCode;
    }
}
