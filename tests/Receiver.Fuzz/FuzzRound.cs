using System.Globalization;
using System.Text;
using Webhooks.Fuzz.Senders;

namespace Webhooks.Fuzz;

/// <summary>Some thousands of requests to a receiver that begins empty. A round is the same whenever it is run with the same seed.</summary>
internal sealed class FuzzRound(int seed, int round, params FuzzSender[] senders)
{
    private const int Remembered = 64;

    private static readonly DateTimeOffset Now = new(2026, 11, 21, 3, 0, 0, TimeSpan.Zero);
    private static readonly long NowSeconds = Now.ToUnixTimeSeconds();

    private readonly Random _random = new(unchecked((seed * 1_000_003) + round));
    private readonly FuzzSender[] _senders = senders.Length > 0 ? senders : [new StandardSender(), new GitHubSender(), new StripeSender(), new SlackSender(), new ShopifySender()];
    private readonly Dictionary<FuzzSender, List<FuzzRequest>> _sent = [];

    public async Task RunAsync(int inputs, FuzzTally tally, CancellationToken cancel)
    {
        await using var receiver = new FuzzReceiver(_senders, Now);
        for (var i = 0; i < inputs && !cancel.IsCancellationRequested; i++)
        {
            var sender = _senders[i % _senders.Length];
            var (kind, request) = Make(sender);
            var isSpoilt = kind is InputKind.Altered or InputKind.Resigned or InputKind.Noise;
            var answer = await receiver.SendAsync(isSpoilt ? FuzzReceiver.Spoilt(sender) : sender.Name, request);
            tally.Add(sender.Name, kind, answer.Status);
            if (Verdict.Of(sender, kind, request, answer, NowSeconds) is { } broken)
                tally.Broken($"{broken}\n  {sender.Name}, {kind}, seed {seed}, round {round}, input {i}; repeat it with --seed {seed} --round {round}\n{Describe(request)}");
        }
    }

    private (InputKind Kind, FuzzRequest Request) Make(FuzzSender sender)
    {
        var kind = Choose(sender);
        if (kind == InputKind.Noise) return (kind, Mutation.Noise(_random, sender.Headers));
        var sent = Sent(sender);
        var request = kind == InputKind.Again ? sent[_random.Next(sent.Count)].Again() : Fresh(sender, kind);
        var timestamp = NowSeconds + _random.Next(-299, 300);
        switch (kind)
        {
            case InputKind.Stale:
                sender.Sign(request, NowSeconds + ((_random.Next(2) == 0 ? -1 : 1) * _random.Next(301, 100_000_000)), sender.Live[0]);
                break;
            case InputKind.Forged:
                if (_random.Next(3) > 0 || !sender.SignForAnotherPurpose(_random, request, timestamp)) sender.Sign(request, timestamp, ForgersKey(sender));
                break;
            case InputKind.Resigned:
                if (_random.Next(4) == 0) Mutation.Header(_random, request.Headers, sender.Headers);
                request.Body = Mutation.Bytes(_random, request.Body);
                sender.Sign(request, timestamp, sender.Live[_random.Next(2)]);
                break;
            default:
                sender.Sign(request, timestamp, Keys(sender));
                break;
        }

        if (kind == InputKind.Altered) Alter(sender, request);
        if (kind is InputKind.Valid or InputKind.Again)
        {
            if (kind == InputKind.Valid) Remember(sent, request.Again());
            if (_random.Next(2) == 0) sender.Respell(_random, request);
        }

        return (kind, request);
    }

    private InputKind Choose(FuzzSender sender) => _random.Next(20) switch
    {
        < 4 => InputKind.Valid,
        < 6 => Sent(sender).Count > 0 ? InputKind.Again : InputKind.Valid,
        < 12 => InputKind.Altered,
        < 14 => InputKind.Forged,
        14 when sender.HasTimestamp => InputKind.Stale,
        < 19 => InputKind.Resigned,
        _ => InputKind.Noise,
    };

    /// <summary>A new event; of the kinds that the good source must not store, one whose number is used for nothing else.</summary>
    private FuzzRequest Fresh(FuzzSender sender, InputKind kind)
    {
        // A forged or stale one may be of an event that exists, which is what an attacker would take.
        var sent = Sent(sender);
        return kind is InputKind.Forged or InputKind.Stale && sent.Count > 0 ? sent[_random.Next(sent.Count)].Again() : sender.Next(_random);
    }

    private void Alter(FuzzSender sender, FuzzRequest request)
    {
        for (var changes = _random.Next(1, 4); changes > 0; changes--)
        {
            if (_random.Next(3) == 0) request.Body = Mutation.Bytes(_random, request.Body);
            else Mutation.Header(_random, request.Headers, sender.Headers);
        }
    }

    private byte[] ForgersKey(FuzzSender sender) => _random.Next(5) switch
    {
        0 => [],
        1 => Encoding.ASCII.GetBytes(sender.Written(sender.Live[0]) + "\n"),
        2 => Encoding.ASCII.GetBytes("whsec_" + sender.Written(sender.Live[0])),
        3 => _senders.First(other => other != sender).Live[0],
        _ => sender.Dead,
    };

    private byte[][] Keys(FuzzSender sender) => _random.Next(4) switch
    {
        0 => [sender.Live[1]],
        1 => [sender.Live[0], sender.Live[1]],
        2 when sender is StandardSender or StripeSender => [sender.Dead, sender.Live[0]],
        _ => [sender.Live[0]],
    };

    private List<FuzzRequest> Sent(FuzzSender sender) => _sent.TryGetValue(sender, out var sent) ? sent : _sent[sender] = [];

    private void Remember(List<FuzzRequest> sent, FuzzRequest request)
    {
        if (sent.Count < Remembered) sent.Add(request);
        else sent[_random.Next(Remembered)] = request;
    }

    private static string Describe(FuzzRequest request)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in request.Headers)
            text.Append(CultureInfo.InvariantCulture, $"  {name}: {string.Join(" | ", value.ToArray().Select(one => one?.Length > 200 ? one[..200] + "…" : one))}\n");
        var start = request.Body.AsSpan(0, Math.Min(request.Body.Length, 600));
        return text.Append(CultureInfo.InvariantCulture, $"  body of {request.Body.Length} bytes, in base64: {Convert.ToBase64String(start)}").ToString();
    }
}
