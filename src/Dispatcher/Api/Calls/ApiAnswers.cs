using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Dispatcher.Secrets;

namespace Webhooks.Dispatcher.Api;

/// <summary>
/// The first answer to each Idempotency-Key, for 24 hours. It is written in the transaction of what the request did: the one is there exactly when the other is, whenever a process ends.
/// </summary>
internal sealed class ApiAnswers(WebhookDatabase database, KeyRing keyRing)
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);
    private const int MaxKeyLength = 255;

    /// <summary>The key that a request bears; null without one.</summary>
    /// <exception cref="ApiException">It is malformed.</exception>
    public static string? KeyOf(HttpRequest request)
    {
        var values = request.Headers[Header];
        if (values.Count == 0) return null;
        return values is [{ Length: > 0 and <= MaxKeyLength } key] && key.All(c => c is > ' ' and <= '~')
            ? key
            : throw ApiException.Of(ApiProblem.MalformedIdempotencyKey, Header, $"{Header} must be there once, with 1 to {MaxKeyLength} visible ASCII characters.");
    }

    /// <summary>
    /// What makes two requests the same: method, path, query and body, and what their keys may do: an answer may hold a new key, and somebody who may do less is not to get it.
    /// </summary>
    public static byte[] HashOf(HttpRequest request, ReadOnlySpan<byte> body, ApiCaller caller)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Lengths first, so that no two requests run together to the same bytes.
        var head = string.Create(CultureInfo.InvariantCulture, $"{request.Method}\n{request.Path}\n{request.QueryString}\n{string.Join(' ', caller.Scopes.Order(StringComparer.Ordinal))}\n{body.Length}\n");
        hash.AppendData(Encoding.UTF8.GetBytes(head));
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }

    /// <summary>Claims the key in the call's transaction. Null when the request is new; otherwise the answer that it had.</summary>
    /// <exception cref="ApiException">The key was used for another request.</exception>
    public async Task<ApiResult?> ClaimAsync(NpgsqlConnection connection, ApiCaller caller, string key, byte[] hash, CancellationToken cancel)
    {
        await using (var claim = database.Command(connection, "Api/Calls/claim_answer", caller.Organization, caller.Application ?? 0, caller.Endpoint ?? 0, key, hash, Kept))
            if (await claim.ExecuteScalarAsync(cancel) is not null) return null;
        await using var read = database.Command(connection, "Api/Calls/read_answer", caller.Organization, caller.Application ?? 0, caller.Endpoint ?? 0, key);
        await using var reader = await read.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel)) throw new InvalidOperationException("The answer to an idempotency key is neither new nor there.");
        if (!CryptographicOperations.FixedTimeEquals(reader.GetFieldValue<byte[]>(0), hash))
            throw new ApiException(ApiProblem.IdempotencyKeyReused, $"This {Header} was used for another request; use one of its own for each.");
        var body = keyRing.Unprotect(reader.GetFieldValue<byte[]>(2), Purpose);
        return new ApiResult(reader.GetInt16(1), body.Length == 0 ? null : AsReplay(body));
    }

    /// <summary>Keeps the answer in the call's transaction.</summary>
    public async Task StoreAsync(NpgsqlConnection connection, ApiCaller caller, string key, ApiResult result, CancellationToken cancel)
    {
        await using var store = database.Command(
            connection, "Api/Calls/store_answer", caller.Organization, caller.Application ?? 0, caller.Endpoint ?? 0, key, (short)result.Status, keyRing.Protect(result.Body ?? [], Purpose));
        await store.ExecuteNonQueryAsync(cancel);
    }

    private const string Purpose = "api answer";

    /// <summary>Where an answer says whether it is a replay, it now is one.</summary>
    private static byte[] AsReplay(byte[] body)
    {
        if (body.AsSpan().IndexOf("\"replayed\":false"u8) < 0 || JsonNode.Parse(body) is not JsonObject answer || !answer.ContainsKey("replayed")) return body;
        answer["replayed"] = true;
        return Encoding.UTF8.GetBytes(answer.ToJsonString());
    }
}
