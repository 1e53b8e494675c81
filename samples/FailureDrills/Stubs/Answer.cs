using System.Globalization;
using System.Text;
using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Stubs;

/// <summary>How an answer goes wrong below HTTP.</summary>
internal enum Fault
{
    None,

    /// <summary>The connection is closed without a byte.</summary>
    EmptyReply,

    /// <summary>The connection is reset.</summary>
    Reset,

    /// <summary>A good head, and then what is no chunk.</summary>
    MalformedChunk,

    /// <summary>What is no HTTP at all, then closed.</summary>
    RandomBytes,
}

/// <summary>What a stub does with a request. Vary one with <c>with { … }</c>.</summary>
/// <param name="Words">For people: what follows "the stub answers".</param>
internal sealed record Answer(string Words)
{
    public int Status { get; init; } = 204;

    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    public byte[] Body { get; init; } = [];

    /// <summary>The wait before the answer.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Over which time the body is spread, in pieces; zero for at once.</summary>
    public TimeSpan DribbledOver { get; init; }

    public int Pieces { get; init; }

    public Fault Fault { get; init; }

    /// <summary>The answer byte by byte, in place of all of the above.</summary>
    public Bytes? Bytes { get; init; }

    /// <summary>Whether the receiver under drill answers.</summary>
    public bool IsForwarded { get; init; }

    /// <summary>How many requests in a row get it.</summary>
    public int Count { get; init; } = 1;

    /// <summary>204 No Content.</summary>
    public static Answer Ok { get; } = new("204");

    /// <summary>What the receiver under drill answers.</summary>
    public static Answer FromReceiver { get; } = new("what the receiver answers") { IsForwarded = true };

    /// <summary>204 in the receiver's place: accepted, and lost.</summary>
    public static Answer Lost { get; } = new("204, and loses the request");

    public static Answer Broken(Fault fault) => new(fault switch
    {
        Fault.EmptyReply => "nothing, and closes",
        Fault.Reset => "with a connection reset",
        Fault.MalformedChunk => "200 with a malformed chunk",
        _ => "random bytes",
    }) { Fault = fault, Status = 200 };

    /// <param name="status">Any three digits.</param>
    /// <param name="body">The body as UTF-8; null for none.</param>
    public static Answer Of(int status, string? body = null) =>
        new(status.ToString(CultureInfo.InvariantCulture)) { Status = status, Body = body is null ? [] : Encoding.UTF8.GetBytes(body) };

    public static Answer Exactly(string words, Bytes bytes) => new(words) { Bytes = bytes };

    public Answer With(string header, string value) => this with { Headers = [.. Headers, (header, value)], Words = value.Length > 60 ? Words : $"{Words} with {header}: {value}" };

    /// <summary>After a wait.</summary>
    public Answer After(double seconds) => this with { Delay = TimeSpan.FromSeconds(seconds), Words = $"{Words} after {seconds:0.##} s" };

    public Answer Dribbled(double seconds, int pieces) =>
        this with { DribbledOver = TimeSpan.FromSeconds(seconds), Pieces = pieces, Words = $"{Words} in {pieces} pieces over {seconds:0.##} s" };

    public Answer Times(int count) => this with { Count = count, Words = $"{count} × {Words}" };

    public Answer Scaled(double scale) => this with { Delay = Delay * scale, DribbledOver = DribbledOver * scale, Bytes = Bytes?.Scaled(scale) };

    public Can Needs => Fault switch
    {
        Fault.EmptyReply => Can.EmptyReply,
        Fault.Reset => Can.Reset,
        Fault.MalformedChunk => Can.MalformedChunk,
        Fault.RandomBytes => Can.RandomBytes,
        _ => Can.Nothing,
    } | (Delay > TimeSpan.Zero ? Can.Delay : 0) | (Pieces > 0 ? Can.Dribble : 0) | (Bytes is null ? 0 : Can.Bytes) | (IsForwarded ? Can.Forward : 0)
      | (Status is < 200 or > 599 ? Can.OddStatus : 0) | (Headers.Any(header => header.Name is "Connection") ? Can.Close : 0);
}
