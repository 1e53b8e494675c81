using System.Text.Json.Nodes;

namespace Webhooks.Dispatcher.Sending;

/// <summary>
/// How long the parts of a failed attempt took: looking up the name, connecting and TLS, if the attempt had to make a connection and got so far, and waiting for the beginning of the answer.
/// </summary>
internal sealed class AttemptPhases
{
    private static readonly HttpRequestOptionsKey<AttemptPhases> Key = new("webhooks.phases");

    public TimeSpan? Dns { get; set; }

    public TimeSpan? Connect { get; set; }

    public TimeSpan? Tls { get; set; }

    /// <summary>For the request that a connection is made for. One that finds a connection has none: most do, and pay nothing for this.</summary>
    public static AttemptPhases Begin(HttpRequestMessage request)
    {
        var phases = new AttemptPhases();
        request.Options.Set(Key, phases);
        return phases;
    }

    /// <summary>In milliseconds, as a JSON object of those that there were; null when there were none.</summary>
    /// <param name="request">The request that failed.</param>
    /// <param name="answer">From the beginning until the head of the answer was there; null when it never was.</param>
    public static string? Of(HttpRequestMessage request, TimeSpan? answer)
    {
        request.Options.TryGetValue(Key, out var phases);
        var json = new JsonObject();
        Add("dns", phases?.Dns);
        Add("connect", phases?.Connect);
        Add("tls", phases?.Tls);
        Add("answer", answer);
        return json.Count == 0 ? null : json.ToJsonString();

        void Add(string name, TimeSpan? took)
        {
            if (took is { } time) json.Add(name, Math.Round(time.TotalMilliseconds, 1));
        }
    }
}
