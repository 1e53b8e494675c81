using System.IO.Compression;

namespace Webhooks.Conformance.Cases.Refusing;

internal sealed class Compressed() : RefusalCase(
    "compressed", "A compressed body is refused, whatever was signed",
    "The signature is over the bytes on the wire. A receiver that unpacks first does so for strangers, too, and a few KiB become gigabytes.")
{
    protected override IEnumerable<Spoilt> Ways(CaseRun run) =>
    [
        new("gzip, the unpacked bytes signed", attempt => attempt with { BodySent = Gzip(attempt.Body), ExtraHeaders = [new("Content-Encoding", "gzip")] }),
        new("gzip, the packed bytes signed", attempt => attempt with { Body = Gzip(attempt.Body), ExtraHeaders = [new("Content-Encoding", "gzip")] }),
        new("an encoding that nobody knows", attempt => attempt with { ExtraHeaders = [new("Content-Encoding", "x-unknown")] }),
        new("64 MiB of zeros in 64 KiB", attempt => attempt with { Body = Gzip(new byte[64 * 1024 * 1024]), ExtraHeaders = [new("Content-Encoding", "gzip")] }),
    ];

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }
}
