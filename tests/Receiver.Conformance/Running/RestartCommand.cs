using System.ComponentModel;
using System.Diagnostics;
using Webhooks.Conformance.Cases;

namespace Webhooks.Conformance.Running;

/// <summary>A command of the caller's that kills the receiver and starts it again; it returns when that is done, or under way.</summary>
internal sealed class RestartCommand(string command)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task RunAsync(CancellationToken cancel)
    {
        string[] shell = OperatingSystem.IsWindows() ? ["cmd.exe", "/c", command] : ["/bin/sh", "-c", command];
        try
        {
            // Its output is not waited for: what it starts in the background may hold it open.
            using var process = Process.Start(new ProcessStartInfo(shell[0], shell[1..]))!;
            using var timer = new CancellationTokenSource(Patience);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
            await process.WaitForExitAsync(either.Token);
            if (process.ExitCode != 0) throw new EnvironmentTroubleException($"--restart \"{command}\" ended with code {process.ExitCode}.");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new EnvironmentTroubleException($"--restart \"{command}\" did not end within {Patience.TotalSeconds:0} s. It must not wait for the receiver to end.");
        }
        catch (Win32Exception e)
        {
            throw new EnvironmentTroubleException($"--restart \"{command}\" could not be started: {e.Message}");
        }
    }
}
