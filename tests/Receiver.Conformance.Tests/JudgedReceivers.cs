using System.Collections.Concurrent;
using System.Reflection;
using Webhooks.Conformance.Cases;
using Webhooks.Conformance.Running;
using Webhooks.Conformance.Tests.Flawed;

namespace Webhooks.Conformance.Tests;

/// <summary>Runs the whole suite against each flawed receiver once, several at a time: most of that time is waiting.</summary>
public sealed class JudgedReceivers : IDisposable
{
    private const int AtOnce = 16;

    // What must come is waited for as long as any machine may need; what must not, or need not, only as long as shows that it does not come.
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(AtOnce);
    private readonly ConcurrentDictionary<string, Task<SuiteOutcome>> _outcomes;

    public JudgedReceivers() => _outcomes = new(
        FlawTests.Flaws.Select(row => (string)row[0]).Select(name => KeyValuePair.Create(name, Task.Run(() => JudgeAsync(name)))));

    public void Dispose() => _places.Dispose();

    internal Task<SuiteOutcome> OutcomeAsync(string receiver) => _outcomes[receiver];

    /// <summary>Runs it once more, when the others have been judged: beside them a receiver may have no processor for seconds, which is not its flaw, or break off.</summary>
    internal async Task<SuiteOutcome> AgainAsync(string receiver)
    {
        await ((Task)Task.WhenAll(_outcomes.Values)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await JudgeAsync(receiver);
    }

    private async Task<SuiteOutcome> JudgeAsync(string name)
    {
        await _places.WaitAsync();
        try
        {
            var type = Assembly.GetExecutingAssembly().GetType($"{typeof(SoundReceiver).Namespace}.{name}", throwOnError: true)!;
            await using var receiver = (SoundReceiver)Activator.CreateInstance(type)!;
            await receiver.StartAsync();
            return await SuiteRun.RunAsync(Settings(receiver, FlawTests.Mentioned(name)), Catalogue.All, _ => { }, CancellationToken.None);
        }
        finally
        {
            _places.Release();
        }
    }

    private static SuiteSettings Settings(SoundReceiver receiver, HashSet<string> mentioned) => new()
    {
        Nodes = [receiver.Url], Secret = SoundReceiver.Secret, OldSecret = SoundReceiver.OldSecret, ExpiredSecret = SoundReceiver.ExpiredSecret,
        Endpoint = SoundReceiver.Endpoint, Feed = receiver.Feed, Observer = receiver.Observer, Log = receiver.LogPath, Restart = receiver.RestartAsync,
        MaxBody = SoundReceiver.MaxBody, Patience = Long, SlowBody = mentioned.Contains("slow-body") ? Short : Long,
        // Nothing that this one is waited for will come.
        PatienceIn = one => receiver is AnswersOnly ? TimeSpan.FromMilliseconds(500) : mentioned.Contains(one.Name) ? Short : Long,
    };
}
