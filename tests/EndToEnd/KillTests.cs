using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Webhooks.Dispatcher;
using Webhooks.Quickstart;
using Webhooks.Testing;

namespace Webhooks.EndToEnd;

/// <summary>Promises 1 to 4 and 11 under kill -9: nothing lost, nothing processed twice, order kept.</summary>
public class KillTests
{
    private const int Kills = 20;

    // On a busy machine a process takes seconds to start; what is published meanwhile has to be delivered in the end.
    private const int Flood = 4000;

    [Fact]
    public async Task KillMinusNine_TwentyTimesUnderPublishing_LosesNothingDoublesNothingKeepsOrder()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var folder = Directory.CreateTempSubdirectory("webhooks-kill-").FullName;
        await using var postgres = await PrivatePostgres.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var data = NpgsqlDataSource.Create(database);
        await using var publishing = await PlatformHost.StartAsync(database, "http://127.0.0.1:0", TimeSpan.FromSeconds(2), worker: false);
        var publisher = publishing.Services.GetRequiredService<IWebhookPublisher>();
        var endpoints = publishing.Services.GetRequiredService<IWebhookEndpoints>();
        var application = await publishing.Services.GetRequiredService<IWebhookApplications>().CreateAsync("customer");

        var (platformUrl, receiverUrl) = ($"http://127.0.0.1:{FreePort.Next()}", $"http://127.0.0.1:{FreePort.Next()}");
        var endpoint = await endpoints.CreateAsync(application, new EndpointSettings($"{receiverUrl}/hooks"));
        await ReceiverHost.WriteSettingsAsync(folder, new Uri(platformUrl), endpoint.Id.Value, endpoint.Secret.Reveal());
        var shop = new Shop(data, publisher, application);
        await shop.CreateTablesAsync();

        var program = Path.Combine(AppContext.BaseDirectory, "Quickstart.dll");
        Task<ChildProcess> Dispatcher() => ChildProcess.StartAsync(program, ["dispatcher", "--database", database, "--url", platformUrl, "--lease", "2"]);
        Task<ChildProcess> Receiver() => ChildProcess.StartAsync(program, ["receiver", "--folder", folder, "--url", receiverUrl]);
        var dispatcher = await Dispatcher();
        var receiver = await Receiver();
        try
        {
            using var enough = new CancellationTokenSource();
            var publish = Task.Run(async () =>
            {
                while (!enough.IsCancellationRequested)
                {
                    await shop.PublishAsync(EventFile.Generate(10));
                    await Task.Delay(shop.Published.Count < Flood ? random.Next(5, 30) : 1000);
                }
            });

            for (var kill = 0; kill < Kills; kill++)
            {
                await Task.Delay(random.Next(50, 600));
                if (random.Next(2) == 0)
                {
                    await dispatcher.KillAsync();
                    dispatcher.Dispose();
                    dispatcher = await Dispatcher();
                }
                else
                {
                    await receiver.KillAsync();
                    receiver.Dispose();
                    receiver = await Receiver();
                }
            }

            await enough.CancelAsync();
            await publish;
            var expected = shop.Published.Count;
            var effects = await WaitForEffectsAsync(folder, expected, endpoints, endpoint.Id);

            var ids = effects.Select(effect => effect.EventId).ToList();
            Assert.Equal(expected, ids.Count);
            Assert.Equal(shop.Published.Select(one => one.EventId).Order(), ids.Order());
            Assert.Equal(Enumerable.Range(1, expected).Select(seq => (long)seq), effects.Select(effect => effect.Seq));
            var numbers = shop.Published.ToDictionary(one => one.EventId);
            Assert.All(
                effects.Select(effect => numbers[effect.EventId]).GroupBy(one => one.Publisher),
                lane => Assert.Equal(Enumerable.Range(0, lane.Count()), lane.Select(one => one.Number)));
            Assert.True(effects.TrueForAll(effect => numbers[effect.EventId].Sha256 == effect.Sha256));
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"Seed {seed}: {exception.Message}", exception);
        }
        finally
        {
            dispatcher.Dispose();
            receiver.Dispose();
            SqliteConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<Effect>> WaitForEffectsAsync(string folder, int expected, IWebhookEndpoints endpoints, WebhookEndpointId endpoint)
    {
        var until = DateTime.UtcNow.AddSeconds(180);
        while (true)
        {
            var effects = ReceiverHost.ReadEffects(folder);
            if (effects.Count >= expected) return effects;
            Assert.True(DateTime.UtcNow < until, $"{effects.Count} of {expected} effects; the stream: {await endpoints.GetStreamAsync(endpoint)}");
            await Task.Delay(50);
        }
    }
}
