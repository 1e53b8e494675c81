using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Staging;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Links;

/// <summary>Steps and expectations for the way between the platform and the customer: on every driver, for it is no stub that misbehaves.</summary>
internal static class LinkSteps
{
    private const string Lossy = "lossy network";

    /// <summary>Puts a link in front of every stub.</summary>
    /// <param name="slowWait">The wait before each piece while a link is slow, in seconds.</param>
    public static Step LayLinks(double slowWait = 0) => Do("lead the way to the customer over a link that can be spoiled", async stage =>
    {
        foreach (var target in stage.Targets)
        {
            var link = stage.Own(Link.Open(target.Stub.Url, TimeSpan.FromSeconds(slowWait) * stage.Scale));
            stage.Notes[Name(target)] = link;
            await stage.Platform.Endpoints.UpdateAsync(target.Id, target.Settings with { Url = link.Url.ToString() }, stage.Cancel);
        }
    });

    /// <summary>Puts a network in front of the stub on which packets take their time and every so-manieth is lost.</summary>
    public static Step LayLossyLink(double delaySeconds, int everyLost) => Do(
        $"lead the way to the customer over a network that loses every {everyLost}th packet and delays the others by {delaySeconds * 1000:0} ms",
        async stage =>
        {
            var network = stage.Own(await PacketNetwork.StartAsync(TimeSpan.FromSeconds(delaySeconds), everyLost, stage.Target.Stub.Url));
            var link = stage.Own(Link.Open(stage.Target.Stub.Url, TimeSpan.Zero, network.ConnectAsync));
            stage.Notes[Lossy] = network;
            await stage.Platform.Endpoints.UpdateAsync(stage.Target.Id, stage.Target.Settings with { Url = link.Url.ToString() }, stage.Cancel);
        });

    /// <summary>Packets were lost indeed.</summary>
    public static Expectation LostPackets { get; } = See.That(
        "the network lost packets", Look.Stub, e => e.Stage.Notes.GetValueOrDefault(Lossy) is PacketNetwork { Lost: > 0 }, _ => "it lost none");

    /// <summary>Failed attempts there are, all of them so, or as what the change of the link did to a connection that was open.</summary>
    public static Expectation FailedAs(string outcome, params string[] orAs) => See.That(
        $"attempts failed as {outcome}{(orAs.Length == 0 ? "" : $" (or {string.Join(", ", orAs)})")}, and none otherwise", Look.Platform,
        e => e.One.Attempts.Any(one => one.Outcome == outcome) && e.One.Attempts.All(one => one.Outcome == outcome || orAs.Contains(one.Outcome)),
        e => $"they failed as {(e.One.Attempts.Count == 0 ? "nothing" : string.Join(", ", e.One.Attempts.Select(one => one.Outcome)))}");

    /// <summary>Spoils or mends the link of an endpoint.</summary>
    public static Step Turn(LinkState state, int endpoint = 0) => Do(
        $"{Words(state)}{(endpoint == 0 ? "" : $" (endpoint {endpoint + 1})")}",
        stage => Of(stage, endpoint).TurnAsync(state));

    /// <summary>So many connections were begun, or more.</summary>
    public static Expectation Connected(int count) => See.That(
        $"{See.Many(count, "connection")} or more were begun over the link", Look.Stub, e => Of(e.Stage, 0).Taken >= count, e => See.Many(Of(e.Stage, 0).Taken, "connection"));

    /// <summary>The link of an endpoint.</summary>
    public static Link Of(Stage stage, int endpoint) => (Link)stage.Notes[Name(stage.Targets[endpoint])];

    private static string Name(Target target) => $"link of {target.Id}";

    private static string Words(LinkState state) => state switch
    {
        LinkState.Refusing => "the customer's port is closed",
        LinkState.Silent => "the way becomes a black hole: connections are taken, and nothing comes back",
        LinkState.Slow => "the way becomes slow: a few bytes at a time",
        LinkState.Stalling => "answers stall after their first bytes",
        _ => "the way is mended",
    };
}
