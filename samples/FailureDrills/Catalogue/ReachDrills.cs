using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Declaring;
using Webhooks.FailureDrills.Links;
using Webhooks.FailureDrills.Seeing;
using Webhooks.FailureDrills.Stubs;
using static Webhooks.FailureDrills.Declaring.Steps;
using static Webhooks.FailureDrills.Links.LinkSteps;

namespace Webhooks.FailureDrills.Catalogue;

/// <summary>Endpoints that cannot be reached, or lead where nobody may call.</summary>
internal static class ReachDrills
{
    // The name is looked up for a connection: with none kept, for each request.
    private static readonly Answer OkAndClose = Answer.Ok.With("Connection", "close");

    public static IReadOnlyList<Drill> All { get; } =
    [
        new("connection-refused", "A closed port is a failed delivery; what could not be sent waits, and is sent in order once it is open")
        {
            Tags = ["network"],
            Story = """
                The customer's server is down: nothing listens on its port, and connections are refused. Three refusals pause the endpoint as failing. What is
                published meanwhile is held, and when the server is back and the operator resumes, it is delivered in order.
                """,
            Steps =
            [
                LayLinks(), Publish(2), Until(See.Delivered(2)), Turn(LinkState.Refusing), Publish(2), Until(See.Paused(PauseReason.Failing)), Publish(1),
                Turn(LinkState.Open), Resume(), Until(See.Delivered(5)),
            ],
            Expect = [See.Arrived(1, 2, 3, 4, 5), FailedAs("connect_failed", "connection_reset"), See.Changed("endpoint.resumed", "operator")],
            Bites = ["pause-on-failures"],
        },
        new("name-gone", "A name that has no address any more is a failed delivery, told as such")
        {
            Tags = ["network", "dns"],
            Story = """
                The customer's domain has lapsed: its name has no address. The failed deliveries say so, the endpoint is paused, and all is held until the name
                is there again.
                """,
            Services = Names.Serve,
            Stub = Script.Of(OkAndClose),
            Steps =
            [
                Names.Call(), Publish(1), Until(See.Delivered(1)), Names.Lead(), Publish(2), Until(See.Paused(PauseReason.Failing, Names.Host)),
                Names.Lead("127.0.0.1"), Resume(), Until(See.Delivered(3)),
            ],
            Expect = [See.Arrived(1, 2, 3), FailedAs("dns_failed")],
            Bites = ["pause-on-failures"],
        },
        new("name-moved-inside", "A name that begins to lead inside is refused when the connection is made")
        {
            Tags = ["network", "dns"],
            Story = """
                The customer's name led to an address outside, and was judged harmless. Then its name server, the customer's own, gives an address inside the
                platform's network (here 127.0.0.2, where nobody allowed calls), in the hope that the dispatcher calls an internal service. Addresses are judged
                when the connection is made, after DNS, each time: nobody is called there. Where the name leads to both, only the allowed one is called.
                """,
            Services = Names.Serve,
            Stub = Script.Of(OkAndClose),
            Tuning = new() { AllowsLoopback = false, More = new Dictionary<string, string> { ["Sending:AllowedNetworks:0"] = "127.0.0.1/32" } },
            Steps =
            [
                Names.Call(), Publish(1), Until(See.Delivered(1)), Names.Lead("127.0.0.2"), Publish(2), Until(See.Paused(PauseReason.Failing, "127.0.0.2")),
                Names.Lead("127.0.0.2", "127.0.0.1"), Resume(), Until(See.Delivered(3)),
            ],
            Expect = [See.Arrived(1, 2, 3), FailedAs("address_refused")],
            Bites = ["address-policy"],
        },
        new("black-hole", "Endpoints that take connections and never answer cost the others nothing")
        {
            Tags = ["network"],
            Story = """
                Two of eight customers are behind a firewall that swallows everything: connections are taken, and nothing comes back for as long as the
                dispatcher waits. It has only two places for requests under way, and both are taken by them. The others get all of theirs all the same, while
                those two still hang. When the way is mended, the two get theirs as well.
                """,
            Endpoints = 8,
            // Longer than the whole drill may take: nobody can be waiting for it.
            Tuning = new() { Timeout = 100, More = new Dictionary<string, string> { ["Delivery:MaxConcurrentSends"] = "2" } },
            Budget = TimeSpan.FromSeconds(60),
            Steps =
            [
                LayLinks(), Turn(LinkState.Silent, 0), Turn(LinkState.Silent, 1), Publish(1), Until(Swallowed), Publish(9), Until(OthersDelivered(10)),
                Turn(LinkState.Open, 0), Turn(LinkState.Open, 1), Until(See.Delivered(10)),
            ],
            Expect = [See.NeverPaused, FailedAs("connection_reset", "invalid_response")],
            Bites = ["slow-apart"],
        },
    ];

    private static Expectation Swallowed => See.That(
        "both hang in a request", Look.Stub, e => Enumerable.Range(0, 2).All(i => Of(e.Stage, i).Taken > 0), _ => "they do not");

    private static Expectation OthersDelivered(int count) => See.That(
        $"the other endpoints got all {count} events while the two hang", Look.Platform,
        e => e.Endpoints.Skip(2).All(one => one.Stream?.Cursor == count) && e.Endpoints.Take(2).All(one => one.Stream?.Cursor == 0 && one.Attempts.Count == 0),
        e => $"their cursors are {string.Join(", ", e.Endpoints.Select(one => one.Stream?.Cursor))}");
}
