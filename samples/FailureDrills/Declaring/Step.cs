using Npgsql;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;

namespace Webhooks.FailureDrills.Declaring;

/// <summary>Something that is done in a drill.</summary>
/// <param name="Words">For people, in the imperative.</param>
/// <param name="Act">Does it; what is waited for it waits for.</param>
internal sealed record Step(string Words, Func<Stage, Task> Act)
{
    public Can Needs { get; init; }
}

/// <summary>The steps that drills are made of. What is not here, a drill says with <see cref="Do"/>.</summary>
internal static class Steps
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(30), LongestLook = TimeSpan.FromMilliseconds(250);

    public static Step Do(string words, Func<Stage, Task> act, Can needs = Can.Nothing) => new(words, act) { Needs = needs };

    /// <summary>Publishes so many events for each endpoint's application, in one transaction.</summary>
    public static Step Publish(int count) => new(count == 1 ? "publish an event" : $"publish {count:N0} events", stage => stage.PublishAsync(count));

    /// <summary>Waits until something is seen.</summary>
    public static Step Until(Expectation seen) => UntilNull(seen.Words, async stage =>
    {
        try
        {
            return seen.Check(await stage.SeeAsync(seen.Look));
        }
        catch (NpgsqlException e)
        {
            // Where the database itself is under drill, pools hold connections that are dead.
            return $"the database cannot be read: {e.Message}";
        }
    });

    /// <summary>Waits until a question is answered by nothing; what it is answered by before is what is seen instead.</summary>
    public static Step UntilNull(string words, Func<Stage, Task<string?>> otherwise, Can needs = Can.Nothing) => new($"wait until {words}", async stage =>
    {
        var pause = Look;
        while (await otherwise(stage) is { } seen)
        {
            try
            {
                await Task.Delay(pause, stage.Cancel);
            }
            catch (OperationCanceledException)
            {
                throw new DrillFailedException(words, seen);
            }

            pause = pause * 1.3 < LongestLook ? pause * 1.3 : LongestLook;
        }
    }) { Needs = needs };

    /// <summary>Looks on for a while, so that what must not happen has had its time.</summary>
    public static Step Stay(double seconds) => new($"look on for {seconds:0.##} s", stage => Task.Delay(TimeSpan.FromSeconds(seconds) * stage.Scale, stage.Cancel));

    /// <summary>Has the stubs answer otherwise from now on.</summary>
    public static Step Answering(Script script) => new($"from now on the stub answers {script.Words}", async stage =>
    {
        foreach (var target in stage.Targets) await target.Stub.PlayAsync(script.Scaled(stage.Scale), stage.Cancel);
    }) { Needs = script.Needs };

    public static Step Pause() => new("the operator pauses the endpoint", stage => stage.Platform.Endpoints.PauseAsync(stage.Target.Id, stage.Cancel));

    /// <param name="after">After which seq; null for after the cursor.</param>
    public static Step Resume(long? after = null) => new(
        after is null ? "the operator resumes the endpoint" : $"the operator resumes the endpoint after {after}",
        stage => stage.Platform.Endpoints.ResumeAsync(stage.Target.Id, after, stage.Cancel));

    public static Step Skip(long seq) => new($"the operator skips {seq}", stage => stage.Platform.Endpoints.SkipAsync(stage.Target.Id, seq, stage.Cancel));

    public static Step Delete() => new("the operator deletes the endpoint", stage => stage.Platform.Endpoints.DeleteAsync(stage.Target.Id, stage.Cancel));

    /// <summary>Gives the endpoint a new secret; both sign for the overlap, which is not scaled.</summary>
    public static Step Rotate(TimeSpan overlap) => new($"rotate the secret with an overlap of {overlap}", async stage =>
        stage.Target.Secrets.Insert(0, await stage.Platform.Endpoints.RotateSecretAsync(stage.Target.Id, overlap, cancellationToken: stage.Cancel)));

    /// <summary>Ends the secret before the newest.</summary>
    public static Step RevokeOld() => new("revoke the old secret", stage =>
        stage.Platform.Endpoints.RevokeSecretAsync(stage.Target.Id, stage.Target.Secrets[1].Fingerprint, stage.Cancel));

    /// <summary>Closes the stub's port, so that connections are refused.</summary>
    public static Step StubDown() => new("the stub goes down", stage => stage.Target.Stub.StopAsync()) { Needs = Can.Outage };

    public static Step StubUp() => new("the stub comes back", stage => stage.Target.Stub.StartAgainAsync()) { Needs = Can.Outage };

    /// <summary>kill -9 of a dispatcher process.</summary>
    public static Step KillNode(int node = 0) => new($"kill dispatcher {node}", stage => stage.Nodes[node].KillAsync());

    public static Step StartNode(int node = 0) => new($"start dispatcher {node} again", stage => stage.Nodes[node].StartAsync());

    public static Step SuspendNode(int node = 0) => new($"suspend dispatcher {node} (SIGSTOP)", stage => stage.Nodes[node].SuspendAsync());

    public static Step ContinueNode(int node = 0) => new($"let dispatcher {node} go on (SIGCONT)", stage => stage.Nodes[node].ContinueAsync());
}

/// <summary>What was expected was not seen.</summary>
internal sealed class DrillFailedException(string expectation, string observation) : Exception($"expected: {expectation}; seen: {observation}")
{
    public string Expectation => expectation;

    public string Observation => observation;
}

/// <summary>A driver turned out to be unable to do what a drill needs: neither passed nor failed.</summary>
internal sealed class NotSupportedByDriverException(string message) : Exception(message);
