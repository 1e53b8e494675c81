namespace Webhooks.Server;

/// <summary>Settings of the process itself, below <c>Server</c>.</summary>
internal sealed class ServerOptions
{
    public const string Section = "Server";

    /// <summary>How long a stop waits for requests and attempts under way before it breaks them off.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>How long a client may take to send its headers.</summary>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection may rest between two requests.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>How many connections are taken at a time.</summary>
    public int MaxConnections { get; set; } = 10_000;

    public IEnumerable<string> Problems()
    {
        foreach (var (name, value, low, high) in new[]
        {
            (nameof(StopTimeout), StopTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            (nameof(HeaderTimeout), HeaderTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            (nameof(KeepAliveTimeout), KeepAliveTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        })
        {
            if (value < low || value > high) yield return $"{Section}:{name} must lie between {low} and {high}; it is {value}.";
        }

        if (MaxConnections is < 1 or > 1_000_000) yield return $"{Section}:{nameof(MaxConnections)} must lie between 1 and 1000000; it is {MaxConnections}.";
    }
}
