namespace Webhooks.Signing.Tests;

public class AllocationTests
{
    private const int Calls = 2000;

    private static readonly WebhookSecret[] Secrets = [Given.Key(1), Given.Key(2), Given.Secret];

    // 1 MiB: where a buffer on the stack or a fresh array would show.
    [Theory, InlineData(0), InlineData(1024), InlineData(1 << 20)]
    public void Verify_AllocatesNothing(int bodyLength)
    {
        var body = new byte[bodyLength];
        var calls = bodyLength > 100_000 ? 20 : Calls;
        var good = WebhookSigner.Sign("msg_1", 1, body, [Secrets[2]]);
        string[] headers = [good, $"junk {Vectors.Ed25519OfA} {good}", Vectors.WrongMac, "junk", "v2,x", new string('x', 5000)];
        foreach (var header in headers)
            Assert.Equal(0, Allocated(calls, () => WebhookVerifier.Verify("msg_1", "1", header, body, Secrets, DateTimeOffset.UnixEpoch)));
        Assert.Equal(0, Allocated(calls, () => WebhookVerifier.Verify("msg.1", "1", good, body, Secrets, DateTimeOffset.UnixEpoch)));
        Assert.Equal(0, Allocated(calls, () => WebhookVerifier.Verify("msg_1", "x", good, body, Secrets, DateTimeOffset.UnixEpoch)));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(16)]
    public void Sign_AllocatesTheAnswerOnly(int secretCount)
    {
        WebhookSecret[] secrets = [.. Enumerable.Range(0, secretCount).Select(i => Given.Key(i))];
        var body = new byte[1024];
        var length = WebhookSigner.Sign("msg_1", 1, body, secrets).Length;
        Assert.Equal(
            Allocated(Calls, () => new string('x', length)),
            Allocated(Calls, () => WebhookSigner.Sign("msg_1", 1, body, secrets)));
    }

    /// <summary>Bytes per so many calls; the least of three rounds, because the runtime may empty the buffer pool under a round.</summary>
    private static long Allocated<T>(int calls, Func<T> call)
    {
        // The first calls fill this thread's part of the buffer pool and load what is loaded lazily.
        for (var i = 0; i < 50; i++) call();
        var least = long.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < calls; i++) call();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
