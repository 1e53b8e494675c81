using System.Diagnostics;
using System.Net;
using Webhooks.Testing;

namespace Webhooks.Slow;

/// <summary>What healthy deliveries came to.</summary>
/// <param name="Times">How long each took, in milliseconds, in ascending order.</param>
/// <param name="Answers">How many there were of each status.</param>
internal sealed record Healthy(double[] Times, IReadOnlyDictionary<int, int> Answers)
{
    public double Slowest => Times[^1];

    public double Median => Times[Times.Length / 2];

    public bool AllTaken => Answers.Keys.All(status => status == 204);

    /// <summary>Delivers one event after the other.</summary>
    /// <param name="sender">Who delivers.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">How large the data of each is.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<Healthy> DeliverAsync(TestSender sender, int count, int bytes, CancellationToken cancel)
    {
        var (data, times, answers) = ($"\"{new string('x', bytes)}\"", new double[count], new Dictionary<int, int>());
        var seq = 0L;
        for (var i = 0; i < count; i++)
        {
            if (seq == 0) seq = sender.Publish("order.changed", data)[0].Seq;
            var began = Stopwatch.GetTimestamp();
            var status = await sender.PostAsync(seq, null, cancel);
            times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            answers[(int)status] = answers.GetValueOrDefault((int)status) + 1;
            // One that was sent away comes again.
            if (status == HttpStatusCode.NoContent) seq = 0;
        }

        Array.Sort(times);
        return new Healthy(times, answers);
    }
}
