using FsCheck;
using FsCheck.Fluent;

namespace Webhooks.Receiver.Tests;

/// <summary>Random batches against a simple reference: a batch is stored whole or leaves nothing, whatever is there already.</summary>
public sealed class StoreAsOneTests
{
    private const int Limit = 12;

    /// <summary>A batch from a number on; the event at one place may have an id that is not its usual one.</summary>
    private sealed record Cut(int From, int Length, int OddAt)
    {
        public IReadOnlyList<InboxEvent> Events() =>
            [.. Enumerable.Range(0, Length).Select(i => Sent.Stored(From + i, id: i == OddAt ? $"evt_odd_{From + i}" : null))];
    }

    [Fact]
    public void AnySequenceOfBatches_IsStoredAsTheReferenceSays()
    {
        // An odd id is rare, or every batch would soon meet a conflict.
        var cut = from first in Gen.Choose(1, 25)
                  from length in Gen.Choose(1, 8)
                  from oddAt in Gen.Choose(0, 60)
                  select new Cut(first, length, oddAt);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2000).WithQuietOnSuccess(true),
            Prop.ForAll(cut.ArrayOf().ToArbitrary(), (Func<Cut[], bool>)(cuts => HoldsAsync(cuts).GetAwaiter().GetResult())));
    }

    private static async Task<bool> HoldsAsync(Cut[] cuts)
    {
        var inbox = new MemoryInbox();
        await inbox.AddEpochAsync("acme", new EpochStart(1, 1), default);
        await inbox.StartAsync("acme", new StreamPosition(1, 0), false, default);
        var model = new SortedDictionary<long, string>();
        foreach (var events in cuts.Select(cut => cut.Events()))
        {
            var expected = Expected(model, events);
            if (expected == StoreOutcome.Stored)
                foreach (var one in events) model.TryAdd(one.Seq, one.Id);
            var outcome = StoreDecision.Whole(await inbox.StoreAsync("acme", events, new StoreRules(Limit, AsOne: true), default));
            var state = await inbox.GetStateAsync("acme", default);
            if (outcome != expected || state.Waiting != model.Count || state.Contiguous != Contiguous(model)) return false;
        }

        var stored = new List<(long, string)>();
        foreach (var seq in model.Keys)
            if (await inbox.ReadAsync("acme", seq, 1, default) is [var one]) stored.Add((one.Seq, one.Id));
        return stored.SequenceEqual(model.Select(one => (one.Key, one.Value)));
    }

    private static StoreOutcome Expected(SortedDictionary<long, string> model, IReadOnlyList<InboxEvent> events)
    {
        if (events.Any(one => model.TryGetValue(one.Seq, out var id) && id != one.Id)) return StoreOutcome.Conflict;
        if (events.FirstOrDefault(one => !model.ContainsKey(one.Seq)) is not { } first) return StoreOutcome.Duplicate;
        var fillsGap = first.Seq == Contiguous(model) + 1 && model.Keys.Any(seq => seq > first.Seq);
        return model.Count >= Limit && !fillsGap ? StoreOutcome.Full : StoreOutcome.Stored;
    }

    private static long Contiguous(SortedDictionary<long, string> model)
    {
        var reached = 0L;
        while (model.ContainsKey(reached + 1)) reached++;
        return reached;
    }
}
