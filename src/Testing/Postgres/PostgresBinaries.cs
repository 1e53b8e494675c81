using System.Globalization;

namespace Webhooks.Testing;

/// <summary>The folder that holds the server programs.</summary>
internal sealed class PostgresBinaries
{
    public const string Variable = "WEBHOOKS_POSTGRES_BIN";

    private const string WhatToInstall =
        """
        Install the PostgreSQL server:
          Debian, Ubuntu: sudo apt-get install postgresql
          macOS:          brew install postgresql@17
          Windows:        winget install PostgreSQL.PostgreSQL.17
        or name the folder that holds initdb and postgres in the environment variable WEBHOOKS_POSTGRES_BIN.
        """;

    private PostgresBinaries(string folder) => Folder = folder;

    public string Folder { get; }

    public string Path(string program) => System.IO.Path.Combine(Folder, OperatingSystem.IsWindows() ? program + ".exe" : program);

    public static PostgresBinaries Find(string? onlyFolder)
    {
        var variable = Environment.GetEnvironmentVariable(Variable);
        var (places, described) =
            onlyFolder is not null ? ([onlyFolder], $"in {onlyFolder}") :
            !string.IsNullOrEmpty(variable) ? ([variable], $"in {variable} (environment variable {Variable})") :
            ((IEnumerable<string>)[.. OnPath(), .. UsualPlaces()], "on PATH and in the usual places");
        foreach (var place in places)
            if (Resolve(place) is { } folder)
                return new PostgresBinaries(folder);
        throw new PostgresNotFoundException($"PostgreSQL's server programs (initdb, postgres) were not found {described}.\n{WhatToInstall}");
    }

    /// <summary>The folder behind the links: initdb finds its share files relative to itself, and pg_ctl may be linked nowhere.</summary>
    private static string? Resolve(string folder)
    {
        try
        {
            var initdb = new PostgresBinaries(folder).Path("initdb");
            if (!File.Exists(initdb)) return null;
            var target = File.ResolveLinkTarget(initdb, returnFinalTarget: true)?.FullName ?? System.IO.Path.GetFullPath(initdb);
            var resolved = new PostgresBinaries(System.IO.Path.GetDirectoryName(target)!);
            return File.Exists(resolved.Path("initdb")) && File.Exists(resolved.Path("postgres")) ? resolved.Folder : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string[] OnPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IEnumerable<string> UsualPlaces()
    {
        if (OperatingSystem.IsWindows())
            return Below(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles) + @"\PostgreSQL", "*", "bin");
        return
        [
            .. Below("/usr/lib/postgresql", "*", "bin"),
            .. Below("/usr", "pgsql-*", "bin"),
            .. Below("/usr/local", "pgsql*", "bin"),
            .. Below("/usr/local/lib/postgresql", "*", "bin"),
            .. Below("/usr/local/opt", "postgresql*", "bin"),
            .. Below("/opt/homebrew/opt", "postgresql*", "bin"),
            .. Below("/Applications/Postgres.app/Contents/Versions", "*", "bin"),
            "/usr/libexec/postgresql",
            "/usr/bin",
            "/usr/local/bin",
        ];
    }

    private static IEnumerable<string> Below(string parent, string pattern, string child) =>
        !Directory.Exists(parent)
            ? []
            : Directory.EnumerateDirectories(parent, pattern).OrderByDescending(VersionOf).Select(d => System.IO.Path.Combine(d, child));

    /// <summary>The number at the end of a folder's name: 15, postgresql@16, pgsql-17; 9.6 and names without a number come last.</summary>
    private static double VersionOf(string folder)
    {
        var name = System.IO.Path.GetFileName(folder);
        var start = name.Length;
        while (start > 0 && (char.IsAsciiDigit(name[start - 1]) || name[start - 1] == '.')) start--;
        return double.TryParse(name.AsSpan(start), NumberStyles.Float, CultureInfo.InvariantCulture, out var version) ? version : 0;
    }
}
