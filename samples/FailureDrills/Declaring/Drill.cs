using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher;
using Webhooks.FailureDrills.Staging;
using Webhooks.FailureDrills.Stubs;

namespace Webhooks.FailureDrills.Declaring;

/// <summary>One failure, rehearsed: what goes wrong, what is done, and what must be seen on both sides. Data only.</summary>
/// <param name="Name">What it is called on the command line: lower-case words with hyphens.</param>
/// <param name="Proves">The promise that holds in spite of the failure, in one line.</param>
internal sealed record Drill(string Name, string Proves)
{
    /// <summary>The category first: answers, network, secrets, order, pauses, platform, receiver.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>For people: what happens to whom, and why it matters.</summary>
    public required string Story { get; init; }

    /// <summary>What each endpoint's stub answers, until a step says otherwise.</summary>
    public Script Stub { get; init; } = Script.Of(Answer.Ok);

    /// <summary>What is done, in order.</summary>
    public required IReadOnlyList<Step> Steps { get; init; }

    /// <summary>What must be seen at the end, besides the standing promises.</summary>
    public required IReadOnlyList<Expectation> Expect { get; init; }

    /// <summary>Standing promises that this failure is known to break, with the story saying so.</summary>
    public Standing Without { get; init; }

    /// <summary>In which time all of it must have been seen, before scaling. Generous: machines are slow at times.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How many endpoints, each with a stub of its own that plays the same script.</summary>
    public int Endpoints { get; init; } = 1;

    /// <summary>Changes the endpoints' settings.</summary>
    public Func<EndpointSettings, EndpointSettings> Endpoint { get; init; } = settings => settings;

    /// <summary>Waits and limits of the dispatcher.</summary>
    public Tuning Tuning { get; init; } = new();

    /// <summary>Services in place of the dispatcher's own, such as another look-up of names; only for the dispatcher inside this process.</summary>
    public Action<IServiceCollection>? Services { get; init; }

    /// <summary>The receiver that the stub passes requests on to; null for none.</summary>
    public ReceiverPlan? Receiver { get; init; }

    /// <summary>The certificate and protocols of an https stub; null for http.</summary>
    public TlsOffer? Tls { get; init; }

    /// <summary>How many dispatcher processes of their own deliver; 0 for one inside this process.</summary>
    public int Nodes { get; init; }

    /// <summary>Whether it gets a database server of its own, to be stopped, restored or filled.</summary>
    public bool OwnServer { get; init; }

    /// <summary>What the stub must be able to do besides what script and steps show.</summary>
    public Can Also { get; init; }

    /// <summary>The mutations that it is said to notice: each switches one safeguard off.</summary>
    public IReadOnlyList<string> Bites { get; init; } = [];

    public string Category => Tags[0];

    /// <summary>All that a driver must be able to do.</summary>
    public Can Needs => Steps.Aggregate(Also | Stub.Needs, (needs, step) => needs | step.Needs)
        | (Tls is null ? Can.Nothing : Can.Tls) | (Receiver is null ? Can.Nothing : Can.Forward);
}

/// <summary>What every drill expects, unless it says that it does not.</summary>
[Flags]
internal enum Standing
{
    None = 0,

    /// <summary>Published = settled + held, on every endpoint.</summary>
    Ledger = 1,

    /// <summary>Each request bears a signature of a secret that its endpoint has or had.</summary>
    Signatures = 2,

    /// <summary>On a strict endpoint the first requests of the numbers come in their order.</summary>
    Order = 4,
}
