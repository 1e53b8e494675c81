using System.CommandLine;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Webhooks.Bench.Setup;
using Webhooks.Dispatcher;

namespace Webhooks.Bench.Api;

/// <summary>What takes the requests.</summary>
internal enum ApiTargetKind
{
    /// <summary>An endpoint that stores the body; what gathers while an INSERT is under way goes with the next one.</summary>
    Insert,

    /// <summary>The management API.</summary>
    Api,
}

/// <summary>How a target is set up.</summary>
internal sealed record ApiTargetSettings(ApiTargetKind Kind, string Store);

/// <summary>Where a target listens, and who may publish what there.</summary>
internal sealed record ApiTargetAddress(Uri Url, string Application, string Key);

/// <summary>The server under test in a process of its own. Its settings are the first line of its standard input; it ends when that does.</summary>
internal static class ApiTargetProgram
{
    public const string Name = "api-target";
    private const int MostInOneStatement = 500;

    // As many statements may be under way as group commits of the dispatcher: one alone would mostly wait for the disk.
    private const int Loops = 2;

    public static Command Create()
    {
        var command = new Command(Name, "The server that the api command starts for itself") { Hidden = true };
        command.SetAction((_, cancel) => RunAsync(cancel));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancel)
    {
        var settings = JsonSerializer.Deserialize<ApiTargetSettings>((await Console.In.ReadLineAsync(cancel))!)!;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        // What is compared is taking events; numbering and delivering them is the same work whoever published.
        if (settings.Kind == ApiTargetKind.Api) BenchPlatform.AddDispatcher(builder.Services, settings.Store, options => options.RunWorker = false);
        await using var app = builder.Build();
        if (settings.Kind == ApiTargetKind.Api) app.MapWebhookDispatcher();
        else await MapInsertAsync(app, settings.Store, cancel);
        await app.StartAsync(cancel);
        var (application, key) = (WebhookApplicationId.New(), "wk_" + new string('0', 64));
        if (settings.Kind == ApiTargetKind.Api)
        {
            application = await app.Services.GetRequiredService<IWebhookApplications>().CreateAsync("bench", cancel);
            key = (await app.Services.GetRequiredService<IWebhookApiKeys>().CreateAsync(new ApiKeySettings("bench") { RequestsPerMinute = 10_000_000 }, cancel)).Key;
        }

        await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new ApiTargetAddress(new Uri(app.Urls.First()), application.Value, key)));
        await Console.In.ReadToEndAsync(cancel);
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await app.StopAsync(grace.Token);
        return 0;
    }

    private static async Task MapInsertAsync(WebApplication app, string store, CancellationToken cancel)
    {
        // Prepared by itself from the second time on, and with buffers as large, as a careful author would have it.
        var data = NpgsqlDataSource.Create(store + ";Max Auto Prepare=10;Auto Prepare Min Usages=2;No Reset On Close=true;Read Buffer Size=65536;Write Buffer Size=65536");
        await using (var create = data.CreateCommand("CREATE TABLE received (id uuid PRIMARY KEY, body bytea NOT NULL)")) await create.ExecuteNonQueryAsync(cancel);
        var waiting = Channel.CreateUnbounded<(Guid Id, byte[] Body, TaskCompletionSource Stored)>();
        for (var i = 0; i < Loops; i++) _ = Task.Run(StoreAsync, CancellationToken.None);
        app.MapPost("/v1/applications/{application}/events", async (HttpContext http) =>
        {
            var body = new byte[(int)http.Request.ContentLength!];
            await http.Request.Body.ReadExactlyAsync(body);
            var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var id = Guid.CreateVersion7();
            waiting.Writer.TryWrite((id, body, stored));
            await stored.Task;
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            var answer = JsonSerializer.SerializeToUtf8Bytes(new { id });
            http.Response.ContentLength = answer.Length;
            await http.Response.Body.WriteAsync(answer);
        });

        async Task StoreAsync()
        {
            var some = new List<(Guid Id, byte[] Body, TaskCompletionSource Stored)>();
            while (await waiting.Reader.WaitToReadAsync(CancellationToken.None))
            {
                some.Clear();
                while (some.Count < MostInOneStatement && waiting.Reader.TryRead(out var one)) some.Add(one);
                try
                {
                    await using var insert = data.CreateCommand("INSERT INTO received (id, body) SELECT * FROM unnest($1, $2)");
                    insert.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. some.Select(one => one.Id)] });
                    insert.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. some.Select(one => one.Body)] });
                    await insert.ExecuteNonQueryAsync(CancellationToken.None);
                    foreach (var (_, _, stored) in some) stored.SetResult();
                }
                catch (NpgsqlException trouble)
                {
                    foreach (var (_, _, stored) in some) stored.SetException(trouble);
                }
            }
        }
    }
}
