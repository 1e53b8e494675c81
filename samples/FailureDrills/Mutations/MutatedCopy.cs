using System.Diagnostics;

namespace Webhooks.FailureDrills.Mutations;

/// <summary>A copy of the source in which every safeguard has a switch, and the drills built from it. Deleted at the end.</summary>
internal sealed class MutatedCopy : IDisposable
{
    // What reads a query out of an assembly; in the copy it reads the one without the safeguard, where there is one.
    private const string Reads = "Assembly.GetExecutingAssembly().GetManifestResourceStream(name)";
    private const string Variable = $"global::System.Environment.GetEnvironmentVariable(\"{Mutation.Variable}\")";
    private static readonly string[] Left = ["bin", "obj", "node_modules"];

    private readonly string _folder = Directory.CreateTempSubdirectory("webhooks-mutated-").FullName;

    /// <summary>The drills of the copy.</summary>
    public string Program => Path.Combine(_folder, "samples", "FailureDrills", "bin", "Release", "net10.0", "FailureDrills.dll");

    /// <exception cref="InvalidOperationException">A text is not there exactly once, or the copy does not compile.</exception>
    public static async Task<MutatedCopy> BuildAsync(IReadOnlyList<Mutation> mutations, CancellationToken cancel)
    {
        var copy = new MutatedCopy();
        try
        {
            var root = Root();
            foreach (var file in Directory.EnumerateFiles(root).Where(file => !file.EndsWith(".md", StringComparison.Ordinal)))
                File.Copy(file, Path.Combine(copy._folder, Path.GetFileName(file)));
            Copy(Path.Combine(root, "src"), Path.Combine(copy._folder, "src"));
            Copy(Path.Combine(root, "samples", "FailureDrills"), Path.Combine(copy._folder, "samples", "FailureDrills"));
            foreach (var mutation in mutations) copy.Apply(mutation);
            copy.ReadMutatedQueries();
            await copy.CompileAsync(cancel);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>The root of the repository that this program was built in.</summary>
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Webhooks.sln"))) return folder.FullName;
        throw new InvalidOperationException("The source is not above the program: mutations need it.");
    }

    /// <summary>The text with the safeguard switched off, or with a switch for it; pure.</summary>
    public static string Mutate(Mutation mutation, string text)
    {
        var at = text.IndexOf(mutation.Find, StringComparison.Ordinal);
        if (at < 0 || text.IndexOf(mutation.Find, at + 1, StringComparison.Ordinal) >= 0)
            throw new InvalidOperationException($"{mutation.Name}: its text is not exactly once in {mutation.File}.");
        return text.Replace(mutation.Find, mutation.Replacement.Replace(Mutation.Off, $"({Variable} == \"{mutation.Name}\")", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Apply(Mutation mutation)
    {
        var path = Path.Combine(_folder, mutation.File);
        // SQL has no switches: the other text stands beside it, in a file of its own.
        var target = path.EndsWith(".sql", StringComparison.Ordinal) ? $"{path[..^4]}~{mutation.Name}.sql" : path;
        File.WriteAllText(target, Mutate(mutation, File.ReadAllText(path)));
    }

    private void ReadMutatedQueries()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "src"), "*.cs", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(file);
            if (!text.Contains(Reads, StringComparison.Ordinal)) continue;
            var mutated = Reads.Replace("(name)", $"(name.Replace(\".sql\", \"~\" + {Variable} + \".sql\"))", StringComparison.Ordinal);
            File.WriteAllText(file, text.Replace(Reads, $"({mutated} ?? {Reads})", StringComparison.Ordinal));
        }
    }

    private async Task CompileAsync(CancellationToken cancel)
    {
        // Switches that never change are what analysers warn of.
        string[] arguments =
        [
            "build", Path.Combine(_folder, "samples", "FailureDrills"), "-c", "Release", "-v", "quiet", "--tl:off", "-nodeReuse:false", "-p:UseSharedCompilation=false",
            "-p:TreatWarningsAsErrors=false", "-p:RunAnalyzers=false", "-p:EnforceCodeStyleInBuild=false", "-p:GenerateDocumentationFile=false",
        ];
        using var build = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder })!;
        var said = await Task.WhenAll(build.StandardOutput.ReadToEndAsync(cancel), build.StandardError.ReadToEndAsync(cancel));
        await build.WaitForExitAsync(cancel);
        if (build.ExitCode == 0) return;
        var errors = string.Concat(said).Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct();
        throw new InvalidOperationException($"The mutated copy does not compile:\n{string.Join('\n', errors)}");
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => !Left.Contains(Path.GetFileName(folder))))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
