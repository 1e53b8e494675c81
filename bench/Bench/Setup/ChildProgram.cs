using System.Diagnostics;
using System.Reflection;

namespace Webhooks.Bench.Setup;

/// <summary>Another command of this program, in a process of its own. It ends when its standard input does, so also when this process is killed.</summary>
internal static class ChildProgram
{
    public static Process Start(string command)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Started through its own executable, or by the general one.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        start.ArgumentList.Add(command);
        return Process.Start(start)!;
    }

    /// <summary>Lets it end by itself for so long.</summary>
    public static async Task StopAsync(Process process, TimeSpan most)
    {
        process.StandardInput.Close();
        using var grace = new CancellationTokenSource(most);
        try
        {
            await process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
    }
}
