using System.Text;
using Webhooks.Dispatcher.Sending;
using Webhooks.Testing;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>Promise 8: seq stands inside the signed body. The data goes in byte for byte.</summary>
public class EnvelopeTests
{
    private static readonly DateTimeOffset Published = new(2026, 11, 21, 4, 5, 6, 7, TimeSpan.FromHours(1));

    [Fact]
    public void Write_AnEvent_ByteForByte()
    {
        var id = Guid.ParseExact("019aa9b1c2d37e4f8a9b0c1d2e3f4a5b", "N");
        var endpoint = WebhookEndpointId.Parse("ep_0123456789abcdef0123456789abcdef");
        var written = Envelope.Write(new DeliveryItem(42, id, "invoice.paid", Published, " {\"a\" : 1.0e400 , \"ü\":\"\\ud800\"}\n"u8.ToArray()), endpoint, 7);
        Assert.Equal(
            """{"id":"evt_019aa9b1c2d37e4f8a9b0c1d2e3f4a5b","type":"invoice.paid","timestamp":"2026-11-21T03:05:06.007Z","endpoint":"ep_0123456789abcdef0123456789abcdef","epoch":7,"seq":42,"data": {"a" : 1.0e400 , "ü":"\ud800"}"""
            + "\n}", Encoding.UTF8.GetString(written));
    }

    [Fact]
    public void Write_TheLongestOfEverything_Fits()
    {
        var type = new string('t', 256);
        var endpoint = WebhookEndpointId.New();
        var id = WebhookEventId.New();
        var written = Envelope.Write(new DeliveryItem(long.MaxValue, id.Guid, type, DateTimeOffset.MaxValue, "1"u8.ToArray()), endpoint, int.MaxValue);
        Assert.Equal(WebhookEnvelope.Build(id.Value, type, DateTimeOffset.MaxValue, endpoint.Value, int.MaxValue, long.MaxValue, "1"), written.ToArray());
        Assert.True(written.Count + 1 <= Envelope.Frame + type.Length + 1);
    }
}
