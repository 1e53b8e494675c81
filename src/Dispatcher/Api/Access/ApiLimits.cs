using System.Globalization;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Api;

/// <summary>How often a key may ask in a minute, and how many events an application may publish in a day.</summary>
internal sealed class ApiLimits
{
    private readonly DatabaseClock _clock;
    private readonly Allowance<DateTimeOffset> _requests;
    private readonly Allowance<DateOnly> _events;

    public ApiLimits(WebhookDatabase database, DatabaseClock clock)
    {
        _clock = clock;
        _requests = new Allowance<DateTimeOffset>((key, minute, count, cancel) => TakeAsync(database.Command("Api/Access/take_requests", key, minute, count), cancel));
        // Never in the call's transaction, which it may have: others would wait for the row until that ends, and what this process shares out would be taken back with it.
        _events = new Allowance<DateOnly>(
            (application, day, count, cancel) => TakeAsync(database.CommandBeside("Api/Access/take_events", application, day, count), cancel));

        static async Task<long> TakeAsync(NpgsqlCommand take, CancellationToken cancel)
        {
            await using var command = take;
            return (long)(await command.ExecuteScalarAsync(cancel))!;
        }
    }

    /// <summary>Counts a request, and tells the caller how many are left.</summary>
    /// <exception cref="ApiException">None is left.</exception>
    public async Task CountRequestAsync(ApiCaller caller, HttpResponse response, CancellationToken cancel)
    {
        var now = _clock.Now;
        var minute = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        var grant = await _requests.TakeAsync(caller.Key, minute, 1, caller.RequestsPerMinute, cancel);
        var rest = minute.AddMinutes(1) - now;
        response.Headers["RateLimit-Limit"] = caller.RequestsPerMinute.ToString(CultureInfo.InvariantCulture);
        response.Headers["RateLimit-Remaining"] = grant.Left.ToString(CultureInfo.InvariantCulture);
        response.Headers["RateLimit-Reset"] = Math.Ceiling(rest.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (grant.Granted == 0)
            throw new ApiException(ApiProblem.RateLimited, $"The key may ask {caller.RequestsPerMinute} times a minute, and has.") { RetryAfter = rest };
    }

    /// <summary>How many of so many events an application may publish today; all of them where it has no quota.</summary>
    public async Task<int> CountEventsAsync(long application, long? quota, int events, CancellationToken cancel) =>
        quota is { } limit ? (await _events.TakeAsync(application, DateOnly.FromDateTime(_clock.Now.UtcDateTime), events, limit, cancel)).Granted : events;

    /// <summary>When the quotas begin anew.</summary>
    public DateTimeOffset NextDay => new(_clock.Now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);

    /// <summary>The refusal of an event beyond the quota.</summary>
    public ApiException QuotaExceeded(long quota) => new(
        ApiProblem.QuotaExceeded, string.Create(CultureInfo.InvariantCulture, $"The application may publish {quota} events a day, and has; the count begins anew at {NextDay:yyyy-MM-ddTHH:mm:ssZ}."))
    {
        RetryAfter = NextDay - _clock.Now,
    };
}
