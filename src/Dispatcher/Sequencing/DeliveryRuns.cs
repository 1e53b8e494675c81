namespace Webhooks.Dispatcher.Sequencing;

/// <summary>The numbers of a batch as they are stored: consecutive ones of a stream in one row. Pure.</summary>
internal sealed class DeliveryRuns
{
    /// <summary>So that a row is stored in its table, and not for its length beside it.</summary>
    public const int MostNumbers = 128;

    public List<long> Endpoints { get; } = [];

    /// <summary>The first number of each run.</summary>
    public List<long> Seqs { get; } = [];

    /// <summary>Where the positions of each run begin among all, from 1.</summary>
    public List<int> Starts { get; } = [];

    public List<int> Counts { get; } = [];

    public List<long> Positions { get; } = [];

    /// <param name="grown">What each stream got.</param>
    /// <param name="mark">How far the bucket was sequenced before: what lies at or below it is out of the order of positions, and is a run by itself.</param>
    public static DeliveryRuns Of(IReadOnlyDictionary<long, Growth> grown, long mark)
    {
        var runs = new DeliveryRuns();
        foreach (var (endpoint, growth) in grown)
        {
            for (var (i, count) = (0, 0); i < growth.Positions.Count; i += count)
            {
                count = CountFrom(growth.Positions, i, mark);
                runs.Endpoints.Add(endpoint);
                runs.Seqs.Add(growth.First + i);
                runs.Starts.Add(runs.Positions.Count + i + 1);
                runs.Counts.Add(count);
            }

            runs.Positions.AddRange(growth.Positions);
        }

        return runs;
    }

    private static int CountFrom(List<long> positions, int first, long mark)
    {
        var count = 1;
        if (positions[first] <= mark) return count;
        while (count < MostNumbers && first + count < positions.Count && positions[first + count] > mark) count++;
        return count;
    }
}
