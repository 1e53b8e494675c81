using Microsoft.AspNetCore.Http;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>No idempotency record: what comes again is handled again.</summary>
internal sealed class KeepsNoRecord : SoundReceiver
{
    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        if (one.Seq <= Disk.Watermark) Disk.Effect(one);
        else Disk.InsertBlindly(one);
        return Task.FromResult(204);
    }
}

/// <summary>Looks whether it is there, and then inserts it.</summary>
internal sealed class ChecksThenInserts : SoundReceiver
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(2);

    protected override async Task<int> StoreAsync(Received one, HttpContext? context)
    {
        if (Disk.Holds(one)) return 204;
        await Task.Delay(Between, Life);
        if (one.Seq > Disk.Watermark) Disk.InsertBlindly(one);
        else Disk.Effect(one);
        return 204;
    }
}

/// <summary>The effect is made, and then the record finds that it was there.</summary>
internal sealed class EffectBeforeDedupe : SoundReceiver
{
    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        if (!Disk.Insert(one)) Disk.Effect(one);
        return Task.FromResult(204);
    }
}

/// <summary>Knows the last few ids only.</summary>
internal sealed class ShortMemory : SoundReceiver
{
    private const int Remembered = 12;

    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        if (one.Seq <= Disk.Watermark - Remembered) Disk.Effect(one);
        return base.StoreAsync(one, context);
    }
}

/// <summary>Answers, and stores a little later.</summary>
internal sealed class AcknowledgesBeforeCommit : SoundReceiver
{
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(50);

    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        _ = LaterAsync(one);
        return Task.FromResult(204);
    }

    private async Task LaterAsync(Received one)
    {
        try
        {
            await Task.Delay(Late, Life);
            Disk.Insert(one);
        }
        catch (OperationCanceledException)
        {
        }
    }
}

/// <summary>Marks an event as processed, and then makes its effect.</summary>
internal sealed class MarksBeforeEffect : SoundReceiver
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);

    protected override async Task PumpOnceAsync()
    {
        while (Disk.Next() is [var next, ..])
        {
            Disk.Mark(next.Seq);
            await Task.Delay(Between, Life);
            if (!next.IsVoid) Disk.Effect(next);
        }
    }
}

/// <summary>Makes the effect, and then marks it: a crash between makes it twice.</summary>
internal sealed class MarksAfterEffect : SoundReceiver
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);

    protected override async Task PumpOnceAsync()
    {
        while (Disk.Next() is [var next, ..])
        {
            if (!next.IsVoid) Disk.Effect(next);
            await Task.Delay(Between, Life);
            Disk.Mark(next.Seq);
        }
    }
}

/// <summary>Keeps its inbox in memory.</summary>
internal sealed class ForgetsOnRestart : SoundReceiver
{
    protected override void Restarted() => Disk.Lose();
}

/// <summary>Records the id before the body is there, so that the retry of half a request is a duplicate.</summary>
internal sealed class RecordsBeforeReading : SoundReceiver
{
    private readonly HashSet<string> _begun = [];

    protected override async Task<(int Status, byte[] Body)> ReadAsync(HttpContext context)
    {
        var id = context.Request.Headers["webhook-id"].ToString();
        lock (_begun)
            if (!_begun.Add(id)) return (204, []);
        return await base.ReadAsync(context);
    }

    protected override void Restarted() => _begun.Clear();
}

/// <summary>Ties the commit to the connection: who does not wait for the answer leaves a record without an event.</summary>
internal sealed class TiedToTheConnection : SoundReceiver
{
    private static readonly TimeSpan Commit = TimeSpan.FromMilliseconds(100);
    private readonly HashSet<string> _seen = [];

    protected override async Task<int> StoreAsync(Received one, HttpContext? context)
    {
        lock (_seen)
            if (!_seen.Add(one.Id)) return 204;
        await Task.Delay(Commit, context!.RequestAborted);
        return await base.StoreAsync(one, context);
    }

    protected override void Restarted() => _seen.Clear();
}
