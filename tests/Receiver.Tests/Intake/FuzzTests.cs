using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>Ten thousand spoilt requests: none that is not verified is taken, none that is refused leaves anything, a batch not even in part, and
/// none is answered as the receiver's own fault (promise 11).</summary>
public sealed class FuzzTests
{
    private const int Inputs = 10_000;

    private static readonly string[] HeaderNames = [WebhookHeaders.Id, WebhookHeaders.Timestamp, WebhookHeaders.Signature, "Content-Type", "Content-Encoding"];

    private static readonly string[] Pieces =
    [
        "", " ", ",", "v1,", "v1,AAAA", "v1a,AAAA", "v1,=", "v2,x y", ".", "-1", "0", "99999999999999999999", "1e9", "\u0000", "é", "\uD83D\uDE00",
        "application/json", "application/json;charset=utf-16", "text/plain", "gzip", "{", "}", "\"", "[[[[", "null", "\"seq\":2,", "\"epoch\":0,", "\"void\":true,",
        "\"data\":{},", "\"id\":\"evt_2\",", "\\ud800", "\"endpoint\":\"a\\nb\",", "9223372036854775807", "-0", "1.0",
        "\"from\":1,", "\"to\":2", "{\"from\":1,\"to\":3}", "[]", "],[", "},{",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Intake_RandomMutations_NeverTakesAnUnverifiedOne_AndNeverFails(int seed)
    {
        await using var app = await TestApp.StartAsync(options => options.InboxLimit = int.MaxValue, memory: true);
        var intake = app.Services.GetRequiredService<WebhookIntake>();
        var source = app.Services.GetRequiredService<ReceiverRegistry>().Get(TestApp.Source);
        var random = new Random(seed);
        var answers = new Dictionary<int, int>();
        for (var i = 0; i < Inputs / 2; i++)
        {
            var context = Spoilt(random, i + 1, out var body);
            var before = await source.Inbox.GetStateAsync(TestApp.Source, default);
            await intake.AnswerAsync(context, source);
            var status = context.Response.StatusCode;
            var after = await source.Inbox.GetStateAsync(TestApp.Source, default);
            answers[status] = answers.GetValueOrDefault(status) + 1;
            Assert.True(status is 204 or (>= 400 and < 500), $"input {i} of seed {seed} was answered {status}");
            var taken = after.Counts.Received + after.Counts.Duplicates - before.Counts.Received - before.Counts.Duplicates;
            Assert.True(status == 204 ? taken == 1 || taken == EventsIn(body) : taken == 0, $"of input {i} of seed {seed}, answered {status}, {taken} event(s) were taken");
            Assert.True(status != 204 || IsSigned(context.Request, body), $"input {i} of seed {seed} is not signed and was taken");
        }

        // That the inputs reach every check, and are not all refused by the first.
        Assert.All([204, 400, 401, 415], status => Assert.InRange(answers.GetValueOrDefault(status), 50, Inputs));
    }

    private static DefaultHttpContext Spoilt(Random random, int seq, out byte[] body)
    {
        const string Data = """{"a":[1,2.5e3,"x\u00e9"]}""";
        var one = random.Next(2) == 0 ? Sent.Event(seq, data: Data) : Sent.Batch(seq, seq + random.Next(4), data: Data);
        body = one.Body;
        var isSignedAfterwards = random.Next(2) == 0;
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var signature = WebhookSigner.Sign(one.Id, timestamp, body, [TestApp.Secret]);
        if (isSignedAfterwards)
        {
            if (random.Next(10) > 0) body = Mutate(random, body);
            signature = WebhookSigner.Sign(one.Id, timestamp, body, [TestApp.Secret]);
        }

        var context = new DefaultHttpContext();
        var headers = context.Request.Headers;
        headers[WebhookHeaders.Id] = one.Id;
        headers[WebhookHeaders.Timestamp] = $"{timestamp}";
        headers[WebhookHeaders.Signature] = signature;
        headers.ContentType = "application/json";
        if (!isSignedAfterwards)
        {
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                if (random.Next(4) == 0) body = Mutate(random, body);
                else MutateHeader(random, headers);
            }
        }

        context.Request.Method = "POST";
        context.Request.Body = new MemoryStream(body);
        return context;
    }

    private static byte[] Mutate(Random random, byte[] body)
    {
        var bytes = body.ToList();
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, random.Next(Math.Min(20, bytes.Count - at) + 1)); break;
                case 2: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)])); break;
                case 3 when at < bytes.Count: bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(60, bytes.Count - at) + 1))); break;
                default: bytes[random.Next(bytes.Count)] ^= (byte)(1 << random.Next(8)); break;
            }

            if (bytes.Count == 0) bytes.Add((byte)'{');
        }

        return [.. bytes];
    }

    private static void MutateHeader(Random random, IHeaderDictionary headers)
    {
        var name = HeaderNames[random.Next(HeaderNames.Length)];
        var value = headers[name].ToString();
        var piece = Pieces[random.Next(Pieces.Length)];
        headers[name] = random.Next(7) switch
        {
            0 => piece,
            1 => value + piece,
            2 => piece + " " + value,
            3 => value.Length == 0 ? piece : value.Remove(random.Next(value.Length)),
            4 => new[] { value, piece },
            5 => string.Join(' ', Enumerable.Repeat(value, random.Next(1, 40))),
            _ => value.Length == 0 ? piece : Flip(value, random.Next(value.Length)),
        };
    }

    private static string Flip(string value, int at) => $"{value[..at]}{(char)(value[at] ^ 1)}{value[(at + 1)..]}";

    private static int EventsIn(byte[] body)
    {
        using var batch = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 1000 });
        return batch.RootElement.GetProperty("data").GetArrayLength();
    }

    /// <summary>What a signature is, told apart from the code under test.</summary>
    private static bool IsSigned(HttpRequest request, byte[] body)
    {
        var timestamp = request.Headers[WebhookHeaders.Timestamp].ToString();
        byte[] content = [.. Encoding.UTF8.GetBytes($"{request.Headers[WebhookHeaders.Id]}.{timestamp}."), .. body];
        var key = Convert.FromBase64String(TestApp.Secret.Reveal()["whsec_".Length..]);
        var expected = "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, content));
        return request.Headers[WebhookHeaders.Signature].ToString().Split(' ').Contains(expected)
            && Math.Abs(long.Parse(timestamp, System.Globalization.CultureInfo.InvariantCulture) - DateTimeOffset.UtcNow.ToUnixTimeSeconds()) <= 301;
    }
}
