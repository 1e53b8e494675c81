using System.Text;

namespace Webhooks.FailureDrills.Stubs;

/// <summary>How a connection ends after its bytes.</summary>
internal enum Ending
{
    /// <summary>It takes the next request.</summary>
    Stays,
    Closes,
    Resets,

    /// <summary>Nothing more happens on it, until the other side ends it.</summary>
    Hangs,

    /// <summary>The last piece is sent again and again, until the other side ends it.</summary>
    Repeats,
}

/// <summary>An answer as bytes on the connection, with a wait after each piece.</summary>
internal sealed record Bytes(IReadOnlyList<(byte[] Piece, TimeSpan Then)> Pieces, Ending Ending)
{
    /// <summary>Text as it stands, with \n written as the line ends of HTTP.</summary>
    public static Bytes Of(string text, Ending ending, double thenSeconds = 0) => new([(Wire(text), TimeSpan.FromSeconds(thenSeconds))], ending);

    public Bytes Then(string text, double thenSeconds = 0) => this with { Pieces = [.. Pieces, (Wire(text), TimeSpan.FromSeconds(thenSeconds))] };

    public Bytes Then(byte[] piece, double thenSeconds = 0) => this with { Pieces = [.. Pieces, (piece, TimeSpan.FromSeconds(thenSeconds))] };

    public Bytes Scaled(double scale) => this with { Pieces = [.. Pieces.Select(one => (one.Piece, one.Then * scale))] };

    private static byte[] Wire(string text) => Encoding.Latin1.GetBytes(text.ReplaceLineEndings("\r\n"));
}
