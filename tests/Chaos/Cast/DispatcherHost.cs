using Webhooks.Dispatcher;

namespace Webhooks.Chaos.Cast;

/// <summary>What delivers in the dispatcher processes of a run, and the program that each process is.</summary>
/// <param name="Option">What to say on the command line to have it; empty for the in-box worker.</param>
/// <param name="Program">A .dll whose entry passes its arguments, and this, to <see cref="ChaosCommand"/>.</param>
/// <param name="AddTo">Puts it in the in-box worker's place; gets the database's connection string, too.</param>
internal sealed record DispatcherHost(string Option, string Program, Action<IWebhookDispatcherBuilder, string>? AddTo)
{
    public static readonly DispatcherHost InBox = new("", typeof(DispatcherHost).Assembly.Location, null);
}
