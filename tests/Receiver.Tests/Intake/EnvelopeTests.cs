using System.Text;

namespace Webhooks.Receiver.Tests;

public sealed class EnvelopeTests
{
    public static TheoryData<string> AnyJson => new()
    {
        "1", "-0.0", "1e400", "123456789012345678901234567890.000000000001", "null", "true", "\"\"", "\"\\ud800\"", "\"żółć 🐘\"",
        "{}", "[]", "{ \"a\" : [ 1 , { } ] }", "{\"a\":1,\"a\":2}", "{\"seq\":9,\"data\":{\"data\":1}}", "\"a\\\"}b\"",
        new string('[', 2000) + new string(']', 2000),
    };

    [Theory]
    [MemberData(nameof(AnyJson))]
    public void Read_AnyData_KeepsItsExactBytes(string data)
    {
        var body = Encoding.UTF8.GetBytes($$"""
            { "type":"a.b", "data" :  {{data}} , "id":"evt_1","timestamp":"2026-11-21T03:00:00.000Z","endpoint":"ep_1","epoch":2,"seq":9 }
            """);
        Assert.True(EnvelopeReader.TryRead(body, out var envelope, out _));
        Assert.Equal(data, Encoding.UTF8.GetString(body.AsSpan()[envelope.Data]));
        Assert.Equal(("evt_1", "a.b", "ep_1", 2, 9L, false), (envelope.Id, envelope.Type, envelope.Endpoint, envelope.Epoch, envelope.Seq, envelope.IsVoid));
    }

    [Fact]
    public void Read_Void_HasNoData()
    {
        var body = Sent.Void(3);
        Assert.True(EnvelopeReader.TryRead(body, out var envelope, out _));
        Assert.True(envelope.IsVoid);
        Assert.Empty(body[envelope.Data]);
    }

    [Fact]
    public void Read_ForeignWithoutData_GivesTheWholeBody()
    {
        var body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");
        Assert.True(EnvelopeReader.TryRead(body, out var envelope, out _));
        Assert.False(envelope.IsNumbered);
        Assert.Equal(body, body[envelope.Data]);
    }
}
