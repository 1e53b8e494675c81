using Webhooks.Bench.Measuring;

namespace Webhooks.Bench.Throughput;

/// <summary>Events per second, and other figures, by row; one of each run.</summary>
internal sealed class Rates
{
    private readonly Dictionary<string, List<double>> _rates = [];

    public void Add(string row, double figure)
    {
        if (!_rates.TryGetValue(row, out var rates)) _rates[row] = rates = [];
        rates.Add(figure);
    }

    public bool Has(string row) => _rates.ContainsKey(row);

    public double Last(string row) => _rates[row][^1];

    public double Median(string row) => new Distribution(_rates[row]).Median;

    /// <summary>Ratios of two rows, each pair of the same run.</summary>
    public Distribution Ratios(string row, string to) => new(_rates[row].Zip(_rates[to], (a, b) => a / b));
}
