using Microsoft.Extensions.DependencyInjection;
using Webhooks.Fuzz;
using Webhooks.Fuzz.Senders;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>
/// Ten thousand random and spoilt requests of every kind of sender: none that is not signed is taken, none that is refused leaves anything, a batch not
/// even in part, every valid one is taken, and none is answered as the receiver's own fault (promise 11). <c>./eng/fuzz</c> sends a million.
/// </summary>
public sealed class FuzzTests
{
    private const int Inputs = 10_000;

    [Fact]
    public async Task Intake_RandomAndSpoiltRequestsOfEverySender_KeepsItsPromises()
    {
        var tally = new FuzzTally();
        for (var round = 0; round < 2; round++) await new FuzzRound(seed: 1, round).RunAsync(Inputs / 2, tally, default);
        Assert.True(tally.BrokenCount == 0, string.Join('\n', tally.BrokenShown));
        Assert.Equal(Inputs, tally.Inputs);

        // That the inputs reach every check, and are not all refused by the first.
        foreach (var sender in tally.Answers.GroupBy(one => one.Key.Sender))
        {
            Assert.All([204, 400, 401, 415], status => Assert.InRange(sender.Where(one => one.Key.Status == status).Sum(one => one.Value), 50, Inputs));
            Assert.InRange(sender.Where(one => one.Key is { Kind: InputKind.Altered, Status: 204 }).Sum(one => one.Value), 1, Inputs);
        }

        Assert.Equal(5, tally.Answers.Select(one => one.Key.Sender).Distinct().Count());
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("0")]
    public async Task Command_WrongInputs_EndsWithTwo(string inputs) =>
        Assert.Equal(FuzzCommand.WrongUsage, await FuzzCommand.RunAsync(["--inputs", inputs]));

    [Fact]
    public async Task Round_OfTheSameSeed_IsTheSame()
    {
        var (one, other) = (new FuzzTally(), new FuzzTally());
        await new FuzzRound(seed: 7, 3).RunAsync(1000, one, default);
        await new FuzzRound(seed: 7, 3).RunAsync(1000, other, default);
        Assert.Equal(one.Answers.OrderBy(pair => pair.Key), other.Answers.OrderBy(pair => pair.Key));
    }

    [Theory]
    [InlineData(Flaw.TakesAnyTime, "it is Stale and was taken", "it was taken, and no live secret signed it")]
    [InlineData(Flaw.LooksAtTheFirstEntryOnly, "it is valid and was answered 401", null)]
    [InlineData(Flaw.IgnoresCase, "it was taken, and no live secret signed it", null)]
    [InlineData(Flaw.ThrowsOnJunk, "an exception was not handled: FormatException", null)]
    [InlineData(Flaw.AllocatesWhatIsStated, "bytes of memory were taken", null)]
    public async Task FlawedScheme_IsFound(Flaw flaw, string found, string? orFound)
    {
        var tally = new FuzzTally();
        await new FuzzRound(seed: 1, 0, new FlawedSender(flaw), new GitHubSender()).RunAsync(4000, tally, default);
        Assert.Contains(tally.BrokenShown, broken =>
            broken.Contains(found, StringComparison.Ordinal) || (orFound is not null && broken.Contains(orFound, StringComparison.Ordinal)));
    }

    /// <summary>What is wrong with a scheme.</summary>
    public enum Flaw
    {
        /// <summary>It does not look at the timestamp.</summary>
        TakesAnyTime,

        /// <summary>It knows of one signature.</summary>
        LooksAtTheFirstEntryOnly,

        /// <summary>It lets a signature be spelt otherwise.</summary>
        IgnoresCase,

        /// <summary>It throws where a header is none.</summary>
        ThrowsOnJunk,

        /// <summary>It takes memory for what a sender says will come.</summary>
        AllocatesWhatIsStated,
    }

    /// <summary>Stripe, received by a scheme that is wrong.</summary>
    private sealed class FlawedSender(Flaw flaw) : StripeSender
    {
        public override IWebhookReceiverBuilder Configure(IWebhookReceiverBuilder builder) => builder.UseScheme(new FlawedScheme(flaw));
    }

    private sealed class FlawedScheme(Flaw flaw) : IWebhookScheme
    {
        private readonly StripeScheme _right = new();

        public string Name => "flawed";

        public IReadOnlyList<string> Headers => _right.Headers;

        public bool Takes(string mediaType) => _right.Takes(mediaType);

        public ReceiverSecret ReadSecret(string text) => _right.ReadSecret(text);

        public VerificationResult Verify(WebhookRequest request, ReadOnlySpan<ReceiverSecret> secrets, TimeSpan tolerance)
        {
            var header = request.Header("Stripe-Signature");
            switch (flaw)
            {
                case Flaw.TakesAnyTime:
                    return _right.Verify(request, secrets, TimeSpan.FromDays(36500));
                case Flaw.LooksAtTheFirstEntryOnly:
                    return _right.Verify(With(string.Join(',', header.Split(',').Take(2))), secrets, tolerance);
                case Flaw.IgnoresCase:
                    return _right.Verify(With(header.ToLowerInvariant()), secrets, tolerance);
                case Flaw.ThrowsOnJunk:
                    if (header.Length > 0 && !header.StartsWith("t=", StringComparison.Ordinal)) throw new FormatException("no time");
                    break;
                default:
                    GC.KeepAlive(new byte[header.Length % 7 == 3 ? 8 * 1024 * 1024 : 0]);
                    break;
            }

            return _right.Verify(request, secrets, tolerance);

            WebhookRequest With(string text) =>
                new(new Microsoft.AspNetCore.Http.HeaderDictionary { ["Stripe-Signature"] = text }, request.Body, request.MediaType, request.ReceivedAt);
        }

        public WebhookReading Read(WebhookRequest request) => _right.Read(request);
    }
}
