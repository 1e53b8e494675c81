using System.Diagnostics;

namespace Webhooks.Bench.Measuring;

/// <summary>What the machine's disk takes to make a page durable: no commit can be faster.</summary>
internal static class Disk
{
    private const int PageBytes = 8192;
    private const int Times = 50;

    /// <summary>The median of writing and syncing a page, on the file system of this folder.</summary>
    public static double FsyncMilliseconds(string folder)
    {
        var path = Path.Combine(folder, "bench-" + Guid.NewGuid().ToString("N"));
        var page = new byte[PageBytes];
        Random.Shared.NextBytes(page);
        try
        {
            using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            var times = new double[Times];
            for (var i = 0; i < Times; i++)
            {
                var began = Stopwatch.GetTimestamp();
                file.Write(page);
                file.Flush(flushToDisk: true);
                times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }

            return new Distribution(times).Median;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
