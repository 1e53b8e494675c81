namespace Webhooks.FailureDrills.Mutations;

/// <summary>Safeguards of addresses, connections and secrets.</summary>
internal static class ReachMutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new("address-policy", "addresses inside are refused when the connection is made", "src/Dispatcher/Sending/AddressPolicy.cs",
            "=> Problem(address) is null;", "=> Problem(address) is null || $OFF;"),
        new("tls-trust", "a certificate with anything wrong is refused", "src/Dispatcher/Sending/TlsHandshake.cs",
            "if (errors == SslPolicyErrors.None) return true;", "if (errors == SslPolicyErrors.None || $OFF) return true;"),
        new("slow-apart", "requests that take long give up their places", "src/Dispatcher/Delivery/SendSlots.cs",
            "if (!_quick.IsWaitedFor) return;", "if (!_quick.IsWaitedFor || $OFF) return;"),
        new("attempt-timeout", "an attempt ends when its time is over", "src/Dispatcher/Sending/AttemptTimeouts.cs",
            "foreach (var (limit, _) in _all) limit.EndIfUp(now);", "if (!$OFF) foreach (var (limit, _) in _all) limit.EndIfUp(now);"),
        new("overlap", "the old secret signs during the overlap", "src/Dispatcher/Endpoints/rotate_secret.sql",
            "SET expires_at = clock_timestamp() + $3", "SET expires_at = clock_timestamp() + 0 * $3::interval"),
        new("overlap-end", "the old secret ends with the overlap", "src/Dispatcher/Endpoints/rotate_secret.sql",
            "SET expires_at = clock_timestamp() + $3", "SET expires_at = clock_timestamp() + interval '1 day' + $3"),
        new("revoke", "a revoked secret ends at once", "src/Dispatcher/Endpoints/revoke_secret.sql",
            "SET expires_at = clock_timestamp() WHERE", "SET expires_at = clock_timestamp() + interval '1 day' WHERE"),
        new("feed-live-secrets", "the feed opens only to live secrets", "src/Dispatcher/Feed/secrets.sql",
            " AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())", ""),
        new("signature", "a receiver takes only what one of its secrets has signed", "src/Signing/WebhookVerifier.cs",
            "&& CryptographicOperations.FixedTimeEquals(given, expected))", "&& ($OFF || CryptographicOperations.FixedTimeEquals(given, expected)))"),
        new("timestamp", "a receiver refuses what was signed long ago", "src/Signing/WebhookVerifier.cs",
            "return age > allowed ?", "return age > allowed && !$OFF ?"),
        new("any-live-secret", "each of a receiver's secrets counts", "src/Signing/WebhookVerifier.cs",
            "for (var i = 0; i < secrets.Length; i++)", "for (var i = 0; i < ($OFF ? 1 : secrets.Length); i++)"),
        new("self-resume", "a receiver that has caught up asks for delivery again", "src/Receiver.AspNetCore/Backfill/Backfill.Streams.cs",
            "|| !settings.Options.SelfResume ||", "|| $OFF || !settings.Options.SelfResume ||"),
    ];
}
