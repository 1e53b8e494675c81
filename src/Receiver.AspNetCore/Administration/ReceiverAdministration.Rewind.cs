namespace Webhooks.Receiver;

/// <summary>Going back to a number.</summary>
internal sealed partial class ReceiverAdministration
{
    /// <summary>How often it is tried while the stream moves on underneath.</summary>
    private const int Tries = 20;

    private const int ReadAtOnce = 32;

    public async Task<AdministrationResult> RewindAsync(string source, long after, CancellationToken cancellationToken = default)
    {
        var known = registry.Get(source);
        var asked = await known.Inbox.GetStateAsync(source, cancellationToken).ConfigureAwait(false);
        // Once, for it asks the feed, which bears only so many questions: what the stream can go back over it can go back over when it has moved on.
        var lacking = OutOfRange(asked, after) ?? await LackingAsync(known, asked, after, cancellationToken).ConfigureAwait(false);
        if (lacking is not null) return new AdministrationResult(AdministrationOutcome.NotPossible, lacking);
        for (var i = 0; i < Tries; i++)
        {
            var state = await known.Inbox.GetStateAsync(source, cancellationToken).ConfigureAwait(false);
            if (OutOfRange(state, after) is { } refusal) return new AdministrationResult(AdministrationOutcome.NotPossible, refusal);
            try
            {
                if (!await GoBackAsync(known, after, cancellationToken).ConfigureAwait(false)) continue;
            }
            // The inbox may find out at the commit only that the watermark has moved.
            catch (InboxUnavailableException) when (i < Tries - 1)
            {
                continue;
            }

            // What the stream waited for lies ahead of it now.
            await known.Inbox.SetHoldAsync(source, null, clearConflict: false, CancellationToken.None).ConfigureAwait(false);
            known.ProbeAsked = true;
            known.Stored.Set();
            known.Missing.Set();
            return AdministrationResult.Done;
        }

        return Overtaken($"the numbers after {after}");
    }

    private async Task<bool> GoBackAsync(ReceiverSource source, long after, CancellationToken cancellationToken)
    {
        await using var transaction = await source.Inbox.BeginAsync(source.Name, cancellationToken).ConfigureAwait(false);
        var state = await source.Inbox.GetStateAsync(source.Name, cancellationToken).ConfigureAwait(false);
        if (state.Position is not { } position || position.Seq < after) return false;
        var to = new StreamPosition(Math.Max(1, state.Epochs.At(after)), after);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Rewound, cancellationToken).ConfigureAwait(false)) return false;
        await transaction.UnmarkAsync(after, int.MaxValue, cancellationToken).ConfigureAwait(false);
        if (position.Seq > after)
            await transaction.RecordPassedAsync(new PassedRange(position.Epoch, after + 1, position.Seq, "rewound"), cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRewound(source.Name, after + 1, position.Seq);
        return true;
    }

    private static string? OutOfRange(InboxState state, long after) =>
        state.Position is not { } position ? "The stream has not begun."
        : after < 0 ? "A stream goes back to a number from 0."
        : after > position.Seq ? $"Number {after} is above the watermark, which stands at {position.Seq}."
        : state.Hold is { Reason: HoldReason.StreamConflict } ? "The stream is blocked, for its sender contradicts itself."
        : null;

    /// <summary>What neither the inbox nor the feed has of it any more, in words; null when all is there.</summary>
    private async Task<string?> LackingAsync(ReceiverSource source, InboxState state, long after, CancellationToken cancellationToken)
    {
        var position = state.Position!.Value;
        var settings = source.Settings.Current;
        string? trouble = "there is no feed to fetch it from";
        var needed = position.Seq;
        if (settings.Options.FeedBaseAddress is not null && (settings.Options.Endpoint ?? state.Endpoint) is { } endpoint)
        {
            var name = registrations.First(registration => registration.Name == source.Name).FeedClient;
            var feed = new FeedClient(() => clients.CreateClient(name), source.Time);
            var answer = await feed.ReadAsync(settings, endpoint, after, 1, cancellationToken).ConfigureAwait(false);
            if (answer.Outcome == FeedOutcome.Page) return null;
            trouble = $"the feed cannot be read now ({answer.Describe()})";
            if (answer is { Outcome: FeedOutcome.RangeExpired, Page: { } page })
                (needed, trouble) = (Math.Min(position.Seq, page.Floor - 1), $"the sender's feed begins at number {page.Floor}");
        }

        return await FirstMissingAsync(source, state, after, needed, cancellationToken).ConfigureAwait(false) is { } missing
            ? $"Number {missing} is no longer in the inbox, and {trouble}."
            : null;
    }

    /// <summary>The first number of a range that the inbox does not hold; null when it holds all.</summary>
    private static async Task<long?> FirstMissingAsync(ReceiverSource source, InboxState state, long after, long last, CancellationToken cancellationToken)
    {
        while ((after = SeqScan.PastLost(after, state.Lost)) < last)
        {
            var read = await source.Inbox.ReadAsync(source.Name, after + 1, ReadAtOnce, cancellationToken).ConfigureAwait(false);
            if (read is not [var first, ..] || first.Seq != after + 1) return after + 1;
            foreach (var one in read.TakeWhile(one => one.Seq == after + 1)) after = one.Seq;
        }

        return null;
    }
}
