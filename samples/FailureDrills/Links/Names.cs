using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Sending;
using Webhooks.FailureDrills.Declaring;
using static Webhooks.FailureDrills.Declaring.Steps;

namespace Webhooks.FailureDrills.Links;

/// <summary>The name servers of a drill: what a name leads to can be changed, or cease.</summary>
internal sealed class Names
{
    public const string Host = "hooks.customer.example";

    private readonly ConcurrentDictionary<string, IPAddress[]> _known = new() { [Host] = [IPAddress.Loopback] };
    private int _asked;

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Puts name servers of the drill's in place of the machine's.</summary>
    public static void Serve(IServiceCollection services) => services.AddSingleton<Names>().AddSingleton<LookUp>(provider => provider.GetRequiredService<Names>().Find);

    /// <summary>Has the endpoint be called by a name, which leads to this machine until a step says otherwise.</summary>
    public static Step Call() => Do($"the customer's endpoint is called by a name, {Host}", stage => stage.Platform.Endpoints.UpdateAsync(
        stage.Target.Id, stage.Target.Settings with { Url = new UriBuilder(stage.Target.Stub.Url) { Host = Host }.Uri.ToString() }, stage.Cancel));

    /// <summary>The name leads to these addresses from now on; to none at all, when there are none.</summary>
    public static Step Lead(params string[] addresses) => Do(
        addresses.Length == 0 ? "the name ceases to exist" : $"the name leads to {string.Join(" and ", addresses)} from now on",
        stage =>
        {
            stage.Platform.Services.GetRequiredService<Names>()._known[Host] = [.. addresses.Select(IPAddress.Parse)];
            return Task.CompletedTask;
        });

    private IPAddress[] Find(string host)
    {
        Interlocked.Increment(ref _asked);
        return _known.TryGetValue(host, out var addresses) && addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.HostNotFound);
    }
}
