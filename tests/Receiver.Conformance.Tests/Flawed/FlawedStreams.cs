using System.Net;
using Microsoft.AspNetCore.Http;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>Takes only the number that comes next.</summary>
internal sealed class AssumesOrder : SoundReceiver
{
    protected override Task<int> StoreAsync(Received one, HttpContext? context) =>
        one.Seq > Disk.Contiguous + 1 ? Task.FromResult(409) : base.StoreAsync(one, context);
}

/// <summary>Handles what comes when it comes.</summary>
internal sealed class HandlesOnArrival : SoundReceiver
{
    private readonly HashSet<string> _done = [];

    protected override Task PumpOnceAsync() => Task.CompletedTask;

    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        lock (_done)
        {
            if (_done.Add(one.Id) && !one.IsVoid) Disk.Effect(one);
            Disk.Insert(one);
        }

        return Task.FromResult(204);
    }

    protected override void Fetched(Received one) => StoreAsync(one, null);
}

/// <summary>Goes on after a while, whatever is missing.</summary>
internal sealed class IgnoresGaps : SoundReceiver
{
    private static readonly TimeSpan Patient = TimeSpan.FromMilliseconds(100);
    private DateTime _since = DateTime.MaxValue;

    protected override async Task PumpOnceAsync()
    {
        await base.PumpOnceAsync();
        var lowest = Disk.LowestStored();
        if (lowest == Disk.Watermark + 1) _since = DateTime.MaxValue;
        else if (_since == DateTime.MaxValue) _since = DateTime.UtcNow;
        else if (DateTime.UtcNow > _since + Patient) Disk.SkipTo(() => Disk.LowestStored() - 1);
    }
}

/// <summary>Waits for what is missing, and does nothing about it.</summary>
internal sealed class NeverHeals : SoundReceiver
{
    protected override Task HealOnceAsync() => Task.CompletedTask;
}

/// <summary>Has what the feed gives handled by a way of its own.</summary>
internal sealed class BackfillsBesideTheInbox : SoundReceiver
{
    protected override void Fetched(Received one)
    {
        if (one.Seq <= Disk.Watermark) Disk.Effect(one);
        else Disk.InsertBlindly(one);
    }
}

/// <summary>Notices a gap when an event comes, and remembers it in memory.</summary>
internal sealed class ForgetsTheGap : SoundReceiver
{
    private bool _noticed;

    protected override void Restarted() => _noticed = false;

    protected override Task<int> StoreAsync(Received one, HttpContext? context)
    {
        _noticed |= one.Seq > Disk.Contiguous + 1;
        return base.StoreAsync(one, context);
    }

    protected override Task HealOnceAsync() => _noticed ? base.HealOnceAsync() : Task.CompletedTask;
}

/// <summary>Takes 404 for an answer.</summary>
internal sealed class GivesTheFeedUp : SoundReceiver
{
    protected override TimeSpan Later(HttpStatusCode status, TimeSpan? retryAfter, TimeSpan wait) =>
        status == HttpStatusCode.NotFound ? TimeSpan.FromDays(1) : base.Later(status, retryAfter, wait);
}

/// <summary>Does not wait as long as it is asked to.</summary>
internal sealed class IgnoresRetryAfter : SoundReceiver
{
    protected override TimeSpan Later(HttpStatusCode status, TimeSpan? retryAfter, TimeSpan wait) => wait;
}

/// <summary>Refuses deliveries while the feed is down.</summary>
internal sealed class StopsWithTheFeed : SoundReceiver
{
    private volatile bool _down;

    protected override TimeSpan Later(HttpStatusCode status, TimeSpan? retryAfter, TimeSpan wait)
    {
        _down = status == HttpStatusCode.ServiceUnavailable;
        return base.Later(status, retryAfter, wait);
    }

    protected override Task HealOnceAsync()
    {
        if (Disk.GapAfter is null) _down = false;
        return base.HealOnceAsync();
    }

    protected override Task<int> StoreAsync(Received one, HttpContext? context) => _down && one.Seq > Disk.Contiguous + 1 ? Task.FromResult(503) : base.StoreAsync(one, context);
}

/// <summary>Asks for page after page as fast as it can, and for the same one many times where much is missing.</summary>
internal sealed class HurriesTheFeed : SoundReceiver
{
    private const int Much = 70;

    protected override TimeSpan Pace => TimeSpan.FromMilliseconds(10);

    protected override Task AskAsync(long after) => Disk.Highest - after < Much
        ? base.AskAsync(after)
        : Task.WhenAll(Enumerable.Range(0, 40).Select(_ => base.AskAsync(after)));
}

/// <summary>Believes whatever answers its questions.</summary>
internal sealed class BelievesTheFeed : SoundReceiver
{
    protected override bool IsBelieved(HttpResponseMessage answer, string requestId, byte[] body) => true;
}

/// <summary>Does not know batches.</summary>
internal sealed class KnowsNoBatches : SoundReceiver
{
    protected override IReadOnlyList<Received>? Read(byte[] body, string id) => base.Read(body, id) is [var only] ? [only] : null;
}

/// <summary>Calls its handler for an event without data.</summary>
internal sealed class HandlesVoid : SoundReceiver
{
    protected override Task<int> StoreAsync(Received one, HttpContext? context) => base.StoreAsync(one with { IsVoid = false }, context);
}

/// <summary>Does not look whose stream it is.</summary>
internal sealed class TakesAnyEndpoint : SoundReceiver
{
    protected override int OnOtherEndpoint(IReadOnlyList<Received> events)
    {
        foreach (var one in events) Disk.Insert(one);
        return 204;
    }
}
