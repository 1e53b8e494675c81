using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Sending;

namespace Webhooks.Dispatcher.Api;

/// <summary>Tells whose key a request bears.</summary>
internal sealed class ApiKeys(WebhookDatabase database, DatabaseClock clock, TimeProvider time)
{
    /// <summary>How long a key that another process has revoked may still be taken here.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    public const string Prefix = "wk_";
    private const int PrefixLength = 11;
    private const int RandomBytes = 32;
    private const int MaxRemembered = 10_000;
    public const int DefaultRequestsPerMinute = 600;
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Known> _known = new();
    private int _forgotten;

    /// <summary>Makes a key: 256 random bits. Who holds it is who it says; so its hash needs neither salt nor slowness.</summary>
    public static string Generate() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What may be shown of it.</summary>
    public static string Shown(string key) => key[..PrefixLength];

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Forgets what is remembered, since a key was changed here.</summary>
    public void Forget()
    {
        Interlocked.Increment(ref _forgotten);
        _known.Clear();
    }

    /// <exception cref="ApiException">There is no live key in it.</exception>
    public async Task<ApiCaller> AuthenticateAsync(HttpRequest request, CancellationToken cancel)
    {
        if (KeyOf(request) is not { } key) throw Unauthenticated();
        var hash = Convert.ToHexString(Hash(key));
        if (!_known.TryGetValue(hash, out var known) || time.GetElapsedTime(known.At) > Remembered)
        {
            var (before, forgotten) = (known, Volatile.Read(ref _forgotten));
            known = await FindAsync(hash, cancel);
            if (known is null)
            {
                _known.TryRemove(hash, out _);
                throw Unauthenticated();
            }

            known.Touched = before?.Touched ?? 0;
            // Keys that are asked for once each must not fill the memory.
            if (_known.Count >= MaxRemembered) _known.Clear();
            _known[hash] = known;
            // What was read before a key was changed is not remembered after it.
            if (Volatile.Read(ref _forgotten) != forgotten) _known.TryRemove(hash, out _);
        }

        if (known.Caller.ExpiresAt <= clock.Now) throw Unauthenticated();
        if (known.Touched == 0 || time.GetElapsedTime(known.Touched) > TouchEvery)
        {
            known.Touched = time.GetTimestamp();
            await using var touch = database.Command("Api/Access/touch_key", known.Caller.Key);
            await touch.ExecuteNonQueryAsync(cancel);
        }

        return known.Caller;
    }

    private static ApiException Unauthenticated() => new(ApiProblem.Unauthenticated, "Send a live API key: Authorization: Bearer wk_… or Api-Key wk_….");

    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.Authorization is not { Count: 1 } values || values[0] is not { } value) return null;
        var space = value.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0) return null;
        var scheme = value.AsSpan(0, space);
        if (!scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && !scheme.Equals("Api-Key", StringComparison.OrdinalIgnoreCase)) return null;
        var key = value[(space + 1)..].Trim();
        return key.StartsWith(Prefix, StringComparison.Ordinal) && key.Length == Prefix.Length + (RandomBytes * 2) ? key : null;
    }

    private async Task<Known?> FindAsync(string hash, CancellationToken cancel)
    {
        await using var command = database.Command("Api/Access/find_key", Convert.FromHexString(hash));
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) return null;
        return new Known(
            new ApiCaller(
                reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : reader.GetInt64(3), reader.IsDBNull(4) ? null : reader.GetInt64(4),
                reader.GetFieldValue<string[]>(5).ToHashSet(), reader.IsDBNull(6) ? DefaultRequestsPerMinute : reader.GetInt32(6),
                reader.IsDBNull(7) ? null : reader.GetFieldValue<DateTimeOffset>(7)),
            time.GetTimestamp());
    }

    private sealed class Known(ApiCaller caller, long at)
    {
        public ApiCaller Caller => caller;

        public long At => at;

        /// <summary>When its last use was written down by this process; 0 for never.</summary>
        public long Touched { get; set; }
    }
}
