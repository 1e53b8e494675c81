namespace Webhooks.Testing;

/// <summary>How a <see cref="PrivatePostgres"/> is set up. The defaults give a throw-away, durable server on a random port.</summary>
public sealed class PrivatePostgresOptions
{
    /// <summary>
    /// Where the data is kept. Null (the default): in a fresh folder of the temp folder, deleted on dispose. A path: initialised when
    /// it is absent or empty, else started again with the data it holds; never deleted. When the process is root, the folder must be reachable for the
    /// unprivileged user that the server runs as.
    /// </summary>
    public string? DataDirectory { get; init; }

    /// <summary>
    /// The only folder in which <c>initdb</c> and <c>postgres</c> are looked for. Null (the default): the environment variable
    /// <c>WEBHOOKS_POSTGRES_BIN</c> when it is set, else <c>PATH</c> and then the usual places, newest version first.
    /// </summary>
    public string? BinaryDirectory { get; init; }

    /// <summary>
    /// True (the default): commits survive a crash of the machine. False: <c>fsync</c>, <c>synchronous_commit</c> and <c>full_page_writes</c>
    /// are off, which is faster; commits then survive a clean stop, and a crash of the server may lose the last of them.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>The greatest number of connections; default 200.</summary>
    public int MaxConnections { get; init; } = 200;

    /// <summary>The TCP port on 127.0.0.1; 0 (the default) takes a free one. It stays the same over restarts.</summary>
    public int Port { get; init; }

    /// <summary>How long a start may take, recovery included, before it fails; default 60 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>More server settings by name, as in <c>postgresql.conf</c>; they win over those that follow from the other options.</summary>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    internal void Validate()
    {
        if (Port is < 0 or > 65535)
            throw new ArgumentException($"{nameof(Port)} is 0 (any free port) to 65535; it is {Port}.");
        if (MaxConnections is < 5 or > 10_000)
            throw new ArgumentException($"{nameof(MaxConnections)} is 5 to 10000; it is {MaxConnections}.");
        if (StartTimeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(StartTimeout)} must be positive; it is {StartTimeout}.");
        foreach (var name in Settings.Keys)
            if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.')))
                throw new ArgumentException($"{nameof(Settings)} has the name \"{name}\"; a setting's name has letters, digits, '_' and '.' only.");
    }
}
