using Microsoft.AspNetCore.Http;

namespace Webhooks.Fuzz;

/// <summary>A request before it is sent.</summary>
internal sealed class FuzzRequest(byte[] body, string mediaType = "application/json")
{
    public HeaderDictionary Headers { get; } = new() { ["Content-Type"] = mediaType };

    public byte[] Body { get; set; } = body;

    /// <summary>How many events it holds; 0 for a challenge.</summary>
    public int Events { get; init; } = 1;

    /// <summary>The challenge that is to be the whole answer.</summary>
    public string? Challenge { get; init; }

    /// <summary>The same event, to be signed anew, as on a second attempt.</summary>
    public FuzzRequest Again()
    {
        var again = new FuzzRequest(Body) { Events = Events, Challenge = Challenge };
        foreach (var (name, value) in Headers) again.Headers[name] = value;
        return again;
    }
}
