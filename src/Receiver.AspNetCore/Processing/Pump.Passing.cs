using Microsoft.Extensions.Logging;

namespace Webhooks.Receiver;

/// <summary>How the watermark moves where no handler is called.</summary>
internal sealed partial class Pump
{
    /// <summary>
    /// Where number 1 is here, nothing can lie before it: the stream begins without the feed, whose look may just be waiting for an answer that never comes.
    /// </summary>
    private async Task<PumpResult> BeginAsync(InboxState state, CancellationToken stopping)
    {
        var options = source.Settings.Options;
        if (state is not { Lowest: 1, HighestEpoch: 1 } || options.StartAt != StartAt.Floor || options.FeedBaseAddress is null) return default;
        // Of an endpoint that is no longer the source's nothing begins.
        if (options.Endpoint is { } own && state.Endpoint != own) return default;
        await source.Inbox.AddEpochAsync(source.Name, new EpochStart(1, 1), stopping).ConfigureAwait(false);
        if (await source.Inbox.StartAsync(source.Name, new StreamPosition(1, 0), suspect: false, stopping).ConfigureAwait(false)) LogBegun(source.Name);
        source.Missing.Set();
        return new PumpResult(0, source.Time.GetUtcNow());
    }

    /// <summary>A later epoch begins at or below the watermark: what was processed from there on is no longer the sender's truth.</summary>
    private async Task<PumpResult> GoBackAsync(InboxState state, StreamPosition position, long start, CancellationToken stopping)
    {
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        var to = new StreamPosition(state.Epochs.At(start + 1), start);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Rewound, stopping).ConfigureAwait(false)) return MovedElsewhere();
        await transaction.RecordPassedAsync(new PassedRange(position.Epoch, start + 1, position.Seq, "superseded"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRewound(source.Name, to.Epoch, start + 1, position.Seq, position.Epoch);
        return new PumpResult(0, source.Time.GetUtcNow());
    }

    /// <summary>What was settled by itself in an epoch that has been replaced there is no longer the sender's truth either.</summary>
    private async Task<bool> DropSupersededAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        var superseded = state.SettledAhead.Where(mark => mark.Epoch < state.Epochs.At(mark.Seq)).ToList();
        if (superseded.Count == 0) return false;
        var (first, last) = (superseded[0], superseded[^1]);
        var start = state.Epochs.Starts.First(one => one.Epoch > first.Epoch && one.Seq <= first.Seq);
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        // Moves nothing, and fails when somebody else has moved it.
        if (!await transaction.AdvanceAsync(position, position, Settlement.Rewound, stopping).ConfigureAwait(false)) return false;
        await transaction.UnmarkAsync(start.Seq - 1, start.Epoch, stopping).ConfigureAwait(false);
        await transaction.RecordPassedAsync(new PassedRange(first.Epoch, first.Seq, last.Seq, "superseded"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogRewound(source.Name, start.Epoch, first.Seq, last.Seq, first.Epoch);
        return true;
    }

    /// <summary>Steps over what was settled by itself. False when nothing of that follows the watermark.</summary>
    private async Task<bool> PassMarkedAsync(InboxState state, StreamPosition position, CancellationToken stopping)
    {
        var end = state.SettledUpTo(position.Seq);
        if (end == position.Seq) return false;
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        if (!await transaction.AdvanceAsync(position, PositionAt(state, position, end), Settlement.Marked, stopping).ConfigureAwait(false)) return false;
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>Steps over numbers that were recorded as lost, up to one that is there all the same. False when none follows the watermark.</summary>
    private async Task<bool> PassLostAsync(InboxState state, StreamPosition position, long? stored, CancellationToken stopping)
    {
        var end = Math.Min(SeqScan.PastLost(position.Seq, state.Lost), stored - 1 ?? long.MaxValue);
        if (end <= position.Seq) return false;
        var to = PositionAt(state, position, end);
        await using var transaction = await source.Inbox.BeginAsync(source.Name, stopping).ConfigureAwait(false);
        if (!await transaction.AdvanceAsync(position, to, Settlement.Lost, stopping).ConfigureAwait(false)) return false;
        await transaction.RecordPassedAsync(new PassedRange(to.Epoch, position.Seq + 1, end, "lost"), stopping).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        LogPassedLost(source.Name, position.Seq + 1, end);
        return true;
    }

    [LoggerMessage(304, LogLevel.Warning,
        "Webhook source {Source} goes back to where epoch {Epoch} begins: numbers {From} to {To} were processed in epoch {Old} and are superseded")]
    private partial void LogRewound(string source, int epoch, long from, long to, int old);

    [LoggerMessage(308, LogLevel.Information, "The stream of webhook source {Source} begins at number 1, which was delivered")]
    private partial void LogBegun(string source);

    [LoggerMessage(305, LogLevel.Error, "Webhook source {Source} passes numbers {From} to {To}, which cannot be had any more")]
    private partial void LogPassedLost(string source, long from, long to);
}
