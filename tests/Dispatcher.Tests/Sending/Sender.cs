using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Webhooks.Dispatcher.Endpoints;
using Webhooks.Dispatcher.Sending;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Tests.Sending;

/// <summary>The sender as the dispatcher has it, without what is around it.</summary>
internal sealed class Sender : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly WebhookSender _sender;
    private readonly WebhookSecret[] _secrets = [WebhookSecret.Generate()];

    public Sender(Action<SendingOptions>? configure = null, Action<IServiceCollection>? services = null)
    {
        var collection = new ServiceCollection();
        collection.AddWebhookDispatcher(options =>
        {
            options.ConnectionString = "Host=127.0.0.1;Port=1";
            options.MasterKey = Platform.MasterKey;
            options.Sending.AllowHttp = true;
            options.Sending.AllowedNetworks.Add("127.0.0.0/8");
            options.Sending.Timeout = TimeSpan.FromSeconds(60);
            options.Sending.ConnectTimeout = TimeSpan.FromSeconds(30);
            configure?.Invoke(options.Sending);
        });
        services?.Invoke(collection);
        _services = collection.BuildServiceProvider();
        _sender = _services.GetRequiredService<WebhookSender>();
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public Task<AttemptResult> SendAsync(string url, CancellationToken cancel = default) => _sender.SendAsync(new Uri(url), "evt_" + Guid.NewGuid().ToString("N"), "{}"u8.ToArray(), _secrets, EndpointHeaders.None, cancel);

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>A resolver that gives what it is told.</summary>
    public static Action<IServiceCollection> Names(Func<string, IPAddress[]> lookUp) => services => services.AddSingleton<LookUp>(host => lookUp(host));
}
