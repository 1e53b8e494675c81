using Webhooks.FailureDrills.Declaring;

namespace Webhooks.FailureDrills.Stubs.Scripted;

/// <summary>The stub in the box: a server of our own on bare sockets, which can do whatever can be written down as bytes.</summary>
internal sealed class ScriptedDriver : IStubDriver
{
    public const string DriverName = "scripted";

    public string Name => DriverName;

    public Can Can => Enum.GetValues<Can>().Aggregate((all, one) => all | one);

    public async Task<IStub> OpenAsync(StubOpening opening, CancellationToken cancel)
    {
        var stub = new ScriptedStub(opening);
        await stub.StartAgainAsync();
        return stub;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
