using System.Collections.Concurrent;
using System.Diagnostics;

namespace Webhooks.Testing;

/// <summary>Runs programs: briefly, or for as long as this process lives.</summary>
internal static class Command
{
    private static readonly BlockingCollection<Action> Launches = StartLauncher();

    /// <summary>Runs a program to its end; its exit code and what it wrote. 127 when there is no such program.</summary>
    public static (int ExitCode, string Output) Run(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Path.GetTempPath(),
        };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + errors.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (127, e.Message);
        }
    }

    /// <summary>
    /// Starts a program from the one thread that lives as long as this process: Linux ties a parent-death signal to the thread that
    /// started the child, and a pool thread may end at any time.
    /// </summary>
    public static Task<Process> LaunchAsync(string program, IEnumerable<string> arguments, string workingDirectory) =>
        LaunchAsync(new ProcessStartInfo(program, arguments) { WorkingDirectory = workingDirectory });

    /// <inheritdoc cref="LaunchAsync(string, IEnumerable{string}, string)"/>
    public static Task<Process> LaunchAsync(ProcessStartInfo start)
    {
        var launched = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Launches.Add(() =>
        {
            try
            {
                launched.SetResult(Process.Start(start)!);
            }
            catch (Exception e)
            {
                launched.SetException(e);
            }
        });
        return launched.Task;
    }

    public static string? FindOnPath(string program) =>
        ((Environment.GetEnvironmentVariable("PATH") ?? "") + ":/usr/sbin:/usr/bin:/sbin:/bin")
        .Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static BlockingCollection<Action> StartLauncher()
    {
        var launches = new BlockingCollection<Action>();
        new Thread(() => { foreach (var launch in launches.GetConsumingEnumerable()) launch(); })
        {
            IsBackground = true, Name = "Launcher",
        }.Start();
        return launches;
    }
}
