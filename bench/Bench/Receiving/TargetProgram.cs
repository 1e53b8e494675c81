using System.Buffers;
using System.CommandLine;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Receiver;

namespace Webhooks.Bench.Receiving;

/// <summary>What takes the requests.</summary>
internal enum TargetKind
{
    /// <summary>An endpoint that reads the body and answers.</summary>
    Bare,

    /// <summary>The same, with one INSERT for each request.</summary>
    Insert,

    /// <summary>The receiver with a store that keeps nothing.</summary>
    Null,

    /// <summary>The receiver with PostgreSQL.</summary>
    PostgreSql,

    /// <summary>The receiver with a SQLite file.</summary>
    Sqlite,
}

/// <summary>How a target is set up.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Store">Connection string, or path of the file.</param>
/// <param name="Secret">The receiver's.</param>
/// <param name="Feed">Where it backfills from.</param>
/// <param name="Handles">Whether what it stores is handled; otherwise the stream waits for a handler.</param>
internal sealed record TargetSettings(TargetKind Kind, string Store, string Secret, Uri? Feed = null, bool Handles = false);

/// <summary>What a target has taken so far.</summary>
internal sealed record TargetCounts(long Taken, long Backfilled, long Processed);

/// <summary>
/// The server under test in a process of its own. Its settings are the first line of its standard input; it ends when that does.
/// </summary>
internal static class TargetProgram
{
    public const string Name = "receiver-target";
    public const string Endpoint = "ep_bench";
    private const string Source = "bench";

    public static Command Create()
    {
        var command = new Command(Name, "The server that the receiver command starts for itself") { Hidden = true };
        command.SetAction((_, cancel) => RunAsync(cancel));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancel)
    {
        var settings = JsonSerializer.Deserialize<TargetSettings>((await Console.In.ReadLineAsync(cancel))!)!;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (settings.Kind > TargetKind.Insert) AddReceiver(builder.Services, settings);
        await using var app = builder.Build();
        if (settings.Kind > TargetKind.Insert) MapReceiver(app);
        else await MapEndpointAsync(app, settings, cancel);
        await app.StartAsync(cancel);
        await Console.Out.WriteLineAsync(app.Urls.First());
        await Console.In.ReadToEndAsync(cancel);
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await app.StopAsync(grace.Token);
        return 0;
    }

    private static void AddReceiver(IServiceCollection services, TargetSettings settings)
    {
        var receiver = services.AddWebhookReceiver(Source, options =>
        {
            options.Secrets.Add(settings.Secret);
            options.Endpoint = Endpoint;
            options.FeedBaseAddress = settings.Feed;
            options.BackfillPageSize = 1000;
            options.InboxLimit = int.MaxValue;
            // Without a handler the stream waits, and only intake is measured.
            options.OnUnhandled = UnhandledPolicy.Block;
        });
        _ = settings.Kind switch
        {
            TargetKind.PostgreSql => receiver.UsePostgreSqlInbox(settings.Store),
            TargetKind.Sqlite => receiver.UseSqliteInbox(settings.Store),
            _ => receiver.UseInbox(_ => new NullInbox()),
        };
        if (settings.Handles) receiver.HandleFallback((_, _, _) => Task.CompletedTask);
    }

    private static void MapReceiver(WebApplication app)
    {
        app.MapWebhookReceiver("/hooks", Source);
        app.MapGet("/counts", async (HttpContext http) =>
        {
            var counts = (await http.RequestServices.GetRequiredService<IWebhookReceiverStatus>().GetAsync(Source, http.RequestAborted)).Counts;
            await http.Response.WriteAsJsonAsync(new TargetCounts(counts.Received, counts.Backfilled, counts.Processed));
        });
    }

    private static async Task MapEndpointAsync(WebApplication app, TargetSettings settings, CancellationToken cancel)
    {
        long taken = 0;
        NpgsqlDataSource? data = null;
        if (settings.Kind == TargetKind.Insert)
        {
            // Prepared by itself from the second time on, as a careful author would have it.
            data = NpgsqlDataSource.Create(settings.Store + ";Max Auto Prepare=10;Auto Prepare Min Usages=2");
            await using var create = data.CreateCommand("CREATE TABLE IF NOT EXISTS received (id text PRIMARY KEY, body bytea NOT NULL)");
            await create.ExecuteNonQueryAsync(cancel);
        }

        app.MapPost("/hooks", async (HttpContext http) =>
        {
            var body = ArrayPool<byte>.Shared.Rent(16 * 1024);
            var length = 0;
            while (await http.Request.Body.ReadAsync(body.AsMemory(length)) is var read and > 0) length += read;
            if (data is not null)
            {
                await using var insert = data.CreateCommand("INSERT INTO received (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING");
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = http.Request.Headers["webhook-id"].ToString() });
                insert.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = body.AsMemory(0, length) });
                await insert.ExecuteNonQueryAsync();
            }

            ArrayPool<byte>.Shared.Return(body);
            Interlocked.Increment(ref taken);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        app.MapGet("/counts", (HttpContext http) => http.Response.WriteAsJsonAsync(new TargetCounts(Interlocked.Read(ref taken), 0, 0)));
    }
}
