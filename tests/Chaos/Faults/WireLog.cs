using System.Globalization;
using System.Text;

namespace Webhooks.Chaos.Faults;

/// <summary>A request as the receiver's edge saw it.</summary>
/// <param name="Id">Its <c>webhook-id</c>.</param>
/// <param name="From">The first number in it.</param>
/// <param name="To">The last.</param>
/// <param name="Arrived">When its head came.</param>
/// <param name="Answered">When the answer was known; null when the process ended before.</param>
/// <param name="Status">The answer; <see cref="WireLog.Reset"/> for none.</param>
internal sealed record WireRequest(string Id, long From, long To, DateTime Arrived, DateTime? Answered, int? Status)
{
    public bool IsAccepted => Status is >= 200 and < 300;

    public override string ToString() => $"{Id} {From}-{To} arrived {Arrived:O}, {(Status is { } status ? $"answered {status} {Answered:O}" : "never answered")}";
}

/// <summary>
/// What came at a source, written down line by line, each in one write: the log outlives a kill of the process. A line for the arrival, and one for
/// the answer, which is written before the answer is sent.
/// </summary>
internal sealed class WireLog(string path) : IDisposable
{
    /// <summary>The connection was reset instead of an answer.</summary>
    public const int Reset = 0;

    private readonly Lock _gate = new();
    private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    private long _requests;

    /// <returns>The request's name in this log.</returns>
    public string Arrived(DateTime at, string id, long from, long to)
    {
        var request = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref _requests)}");
        Write($"A\t{request}\t{at.Ticks}\t{id}\t{from}\t{to}\n");
        return request;
    }

    public void Answered(string request, int status) => Write($"R\t{request}\t{DateTime.UtcNow.Ticks}\t{status}\n");

    /// <summary>The requests in order of arrival.</summary>
    public static List<WireRequest> Read(string path)
    {
        var requests = new Dictionary<string, WireRequest>();
        if (!File.Exists(path)) return [];
        foreach (var line in File.ReadLines(path))
        {
            switch (line.Split('\t'))
            {
                case ["A", var name, var at, var id, var from, var to]:
                    requests[name] = new WireRequest(id, Number(from), Number(to), Time(at), null, null);
                    break;
                case ["R", var name, var at, var status]:
                    requests[name] = requests[name] with { Answered = Time(at), Status = (int)Number(status) };
                    break;
            }
        }

        return [.. requests.Values.OrderBy(request => request.Arrived)];
    }

    public void Dispose() => _file.Dispose();

    private void Write(FormattableString line)
    {
        var bytes = Encoding.UTF8.GetBytes(line.ToString(CultureInfo.InvariantCulture));
        lock (_gate) _file.Write(bytes);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static DateTime Time(string ticks) => new(Number(ticks), DateTimeKind.Utc);
}
