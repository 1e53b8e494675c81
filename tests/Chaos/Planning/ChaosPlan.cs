namespace Webhooks.Chaos.Planning;

/// <summary>All that is done in a run, in order; made from the settings alone, so that a seed repeats it. Pure.</summary>
internal sealed record ChaosPlan(ChaosSettings Settings, IReadOnlyList<Deed> Deeds)
{
    // What is left at both ends is for the start and for the last deeds to be over.
    private const double First = 0.02, Last = 0.95;

    private static readonly Fault[] Faults = Enum.GetValues<Fault>();

    // How many a minute. Ten minutes have to have at least 50 kills, 5 restarts of the database and 20 suspensions.
    private static readonly (DeedKind Kind, double AMinute)[] Density =
    [
        (DeedKind.Kill, 6), (DeedKind.Suspend, 2.4), (DeedKind.RestartDatabase, 0.6), (DeedKind.TerminateConnections, 3), (DeedKind.Fault, 10),
        (DeedKind.Pause, 2), (DeedKind.Rewind, 1.5), (DeedKind.Skip, 0.5), (DeedKind.RotateSecret, 1.5), (DeedKind.CreateEndpoint, 0.5),
        (DeedKind.UpdateEndpoint, 1), (DeedKind.DeleteEndpoint, 0.3),
    ];

    public static ChaosPlan Make(ChaosSettings settings)
    {
        var random = new Random(settings.Seed);
        var deeds = new List<Deed>();
        var created = Count(DeedKind.CreateEndpoint, settings);
        foreach (var (kind, _) in Density)
        {
            var count = Count(kind, settings);
            for (var i = 0; i < count; i++)
            {
                // Each in a part of the time of its own: at random, and yet not all at once.
                var at = settings.Duration * (First + ((Last - First) * ((i + random.NextDouble()) / count)));
                deeds.Add(One(kind, at, i, settings, created, random));
            }
        }

        return new ChaosPlan(settings, [.. deeds.OrderBy(deed => deed.At)]);
    }

    public static int Count(DeedKind kind, ChaosSettings settings) =>
        (int)Math.Ceiling(Density.Single(entry => entry.Kind == kind).AMinute * settings.Duration.TotalMinutes);

    public int Count(DeedKind kind) => Deeds.Count(deed => deed.Kind == kind);

    /// <summary>Endpoints of the beginning, and those that are created later.</summary>
    public int Slots => Settings.Endpoints + Count(DeedKind.CreateEndpoint);

    private static Deed One(DeedKind kind, TimeSpan at, int number, ChaosSettings settings, int created, Random random)
    {
        var deed = new Deed(at, kind, null, random.Next(settings.Endpoints), TimeSpan.Zero, 1, null);
        var lease = ChaosSettings.Lease;
        switch (kind)
        {
            case DeedKind.Kill:
                return OfProcess(deed with { For = lease * 1.5 * random.NextDouble() }, number, settings, random);
            case DeedKind.Suspend:
                return OfProcess(deed with { For = lease * (1.1 + (1.9 * random.NextDouble())) }, number, settings, random);
            case DeedKind.TerminateConnections:
                return deed with { Whom = 0, Amount = random.Next(1, 6) };
            case DeedKind.Fault:
                return deed with { Fault = Faults[number % Faults.Length], Amount = random.Next(1, 5), For = Seconds(random, 1, 4) };
            case DeedKind.Pause:
                return deed with { For = Seconds(random, 1, 6) };
            case DeedKind.Rewind or DeedKind.Skip:
                return deed with { Amount = random.Next(1, 30) };
            case DeedKind.RotateSecret:
                return deed with { For = TimeSpan.FromSeconds(15) };
            case DeedKind.CreateEndpoint:
                return deed with { Whom = settings.Endpoints + number };
            case DeedKind.DeleteEndpoint:
                // The first of the later ones, or else the last of the first: the run must keep endpoints that live through it.
                return deed with { Whom = number < created && random.Next(2) == 0 ? settings.Endpoints + number : settings.Endpoints - 1 - (number % settings.Receivers) };
            default:
                return deed;
        }
    }

    /// <summary>Dispatchers most, then receivers, then publishers, whatever the chance.</summary>
    private static Deed OfProcess(Deed deed, int number, ChaosSettings settings, Random random)
    {
        var role = (number % 6) switch { 0 or 2 or 4 => Role.Dispatcher, 1 or 3 => Role.Receiver, _ => Role.Publisher };
        var many = role switch { Role.Dispatcher => settings.Dispatchers, Role.Receiver => settings.Receivers, _ => settings.Publishers };
        return deed with { Role = role, Whom = random.Next(many) };
    }

    private static TimeSpan Seconds(Random random, double least, double most) => TimeSpan.FromSeconds(least + ((most - least) * random.NextDouble()));
}
