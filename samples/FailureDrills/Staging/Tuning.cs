using System.Globalization;

namespace Webhooks.FailureDrills.Staging;

/// <summary>The dispatcher's waits and limits, short enough to see the end of. Times grow with <c>--scale</c>.</summary>
internal sealed record Tuning
{
    /// <summary>Waits between attempts, in seconds.</summary>
    public IReadOnlyList<double> Waits { get; init; } = [0.05, 0.1];

    /// <summary>How long an attempt may take, in seconds. Generous, so that a busy machine times nothing out by itself.</summary>
    public double Timeout { get; init; } = 10;

    public double ConnectTimeout { get; init; } = 5;

    /// <summary>How long an endpoint stays with its process, in seconds. Generous too: a process that the machine keeps from renewing it would send again.</summary>
    public double Lease { get; init; } = 15;

    /// <summary>How long to wait before an endpoint that cannot be reached is paused, in seconds.</summary>
    public double ConfirmAfter { get; init; } = 0.05;

    /// <summary>Whether the dispatcher may call this machine, as it never may by default.</summary>
    public bool AllowsLoopback { get; init; } = true;

    /// <summary>More of the dispatcher's options by their names in configuration, such as <c>Sending:MaxResponseBytes</c>; not scaled.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();

    /// <summary>All of it as configuration.</summary>
    public Dictionary<string, string?> Settings(double scale)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Sending:AllowHttp"] = "true",
            ["Sending:Timeout"] = Time(Timeout, 120),
            ["Sending:ConnectTimeout"] = Time(ConnectTimeout, 60),
            ["Delivery:LeaseDuration"] = Time(Lease),
            ["Egress:ConfirmAfter"] = Time(ConfirmAfter),
        };
        if (AllowsLoopback) settings["Sending:AllowedNetworks:0"] = "127.0.0.0/8";
        for (var i = 0; i < Waits.Count; i++) settings[string.Create(CultureInfo.InvariantCulture, $"Delivery:Waits:{i}")] = Time(Waits[i]);
        foreach (var (name, value) in More) settings[name] = value;
        return settings;

        // Longer than the dispatcher allows they do not become.
        string Time(double seconds, double most = 3600) => TimeSpan.FromSeconds(Math.Min(seconds * scale, most)).ToString("c", CultureInfo.InvariantCulture);
    }
}
