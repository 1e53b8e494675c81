using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Webhooks.Signing;
using Webhooks.Testing;

namespace Webhooks.Conformance.Tests.Flawed;

/// <summary>
/// A small receiver that does everything right, made so that each flaw is one step done otherwise. It shares no code with the product but the
/// verifier. Its process is a life: what is on the <see cref="Disk"/> outlives it, whatever waits in it is dropped.
/// </summary>
internal partial class SoundReceiver : IAsyncDisposable
{
    public const string Endpoint = "ep_conformance";
    public const int MaxBody = 64 * 1024;
    public static readonly WebhookSecret Secret = WebhookSecret.Generate(), OldSecret = WebhookSecret.Generate(), ExpiredSecret = WebhookSecret.Generate();

    private readonly int _port = FreePort.Next(), _feedPort = FreePort.Next();
    private CancellationTokenSource _life = new();
    private WebApplication? _app;
    private Task _loops = Task.CompletedTask;

    public Uri Url => new($"http://127.0.0.1:{_port}/hooks");

    public Uri Observer => new($"http://127.0.0.1:{_port}/handled");

    public Uri Feed => new($"http://127.0.0.1:{_feedPort}/");

    public string LogPath { get; } = Path.GetTempFileName();

    protected Disk Disk { get; } = new();

    /// <summary>Cancelled when the process is killed.</summary>
    protected CancellationToken Life => _life.Token;

    protected virtual WebhookSecret[] Secrets => [Secret, OldSecret];

    public async Task StartAsync()
    {
        var host = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        host.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, _port);
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        host.Logging.ClearProviders();
        _app = host.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        _loops = Task.WhenAll(LoopAsync(PumpOnceAsync), LoopAsync(HealOnceAsync));
    }

    /// <summary>Killed at once, and started again.</summary>
    public async Task RestartAsync(CancellationToken cancel)
    {
        await KillAsync();
        _life = new CancellationTokenSource();
        Restarted();
        await StartAsync();
    }

    /// <summary>A new process has begun.</summary>
    protected virtual void Restarted() { }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        File.Delete(LogPath);
        GC.SuppressFinalize(this);
    }

    protected void Log(string line)
    {
        lock (Disk) File.AppendAllText(LogPath, line + "\n");
    }

    private async Task KillAsync()
    {
        await _life.CancelAsync();
        if (_app is not null)
        {
            await _app.StopAsync(new CancellationToken(canceled: true));
            await _app.DisposeAsync();
        }

        await _loops;
    }

    private async Task LoopAsync(Func<Task> once)
    {
        try
        {
            while (!Life.IsCancellationRequested)
            {
                await once();
                await Task.Delay(2, Life);
            }
        }
        catch (OperationCanceledException) when (Life.IsCancellationRequested)
        {
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path == "/handled")
        {
            await context.Response.WriteAsync($"{{\"handled\":[{string.Join(',', Disk.Effects.Select(one => string.Create(CultureInfo.InvariantCulture, $"{{\"id\":\"{one.Id}\",\"seq\":{one.Seq}}}")))}]}}");
            return;
        }

        try
        {
            context.Response.StatusCode = await TakeAsync(context);
        }
        catch (OperationCanceledException) when (Life.IsCancellationRequested || context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }
}
