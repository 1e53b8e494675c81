namespace Webhooks.FailureDrills.Declaring;

/// <summary>What a stub can be asked for beyond an answer with status, headers and body. A drill runs on every driver that can all it needs.</summary>
[Flags]
internal enum Can
{
    Nothing = 0,

    /// <summary>Wait before the answer.</summary>
    Delay = 1,

    /// <summary>Send a body piece by piece.</summary>
    Dribble = 2,

    /// <summary>Take the request and close the connection without a byte of an answer.</summary>
    EmptyReply = 4,

    /// <summary>Take the request and reset the connection.</summary>
    Reset = 8,

    /// <summary>Begin an answer in chunks and break it off with what is no chunk.</summary>
    MalformedChunk = 16,

    /// <summary>Answer with what is no HTTP, and close.</summary>
    RandomBytes = 32,

    /// <summary>Pass the request on to the receiver under drill, and its answer back.</summary>
    Forward = 64,

    /// <summary>Answer with stated bytes and pauses between them.</summary>
    Bytes = 128,

    /// <summary>Serve https with a stated certificate and protocol.</summary>
    Tls = 256,

    /// <summary>Close its port and open it again.</summary>
    Outage = 512,

    /// <summary>A status that the HTTP library of most servers refuses to send (1xx, 600 and more).</summary>
    OddStatus = 1024,

    /// <summary>Close the connection after an answer, and say so in it.</summary>
    Close = 2048,

    /// <summary>Tell of a request while it is not answered yet.</summary>
    UnderWay = 4096,
}

/// <summary>The words for them.</summary>
internal static class Cans
{
    public static string Words(this Can can) => string.Join(", ", Enum.GetValues<Can>().Where(one => one != Can.Nothing && can.HasFlag(one)).Select(Word));

    private static string Word(Can one) => one switch
    {
        Can.Delay => "a delayed answer",
        Can.Dribble => "a body in pieces",
        Can.EmptyReply => "an empty reply",
        Can.Reset => "a connection reset",
        Can.MalformedChunk => "a malformed chunk",
        Can.RandomBytes => "random bytes",
        Can.Forward => "passing requests on",
        Can.Bytes => "an answer byte by byte",
        Can.Tls => "https with a certificate of the drill's",
        Can.Outage => "a port that closes",
        Can.OddStatus => "a status outside 200 to 599",
        Can.Close => "a connection that is closed after an answer",
        Can.UnderWay => "a journal with requests that are not answered yet",
        _ => one.ToString(),
    };
}
