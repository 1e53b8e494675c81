using Npgsql;

// One of several nodes on a PostgreSQL inbox, as a process that tests suspend and kill. All it is told comes as --key value.
var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.UseUrls(builder.Configuration["url"]!);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var (schema, pauses) = (builder.Configuration["schema"]!, new Random());
builder.Services.AddWebhookReceiver("acme", options =>
    {
        options.Secrets.Add(builder.Configuration["secret"]!);
        options.FeedBaseAddress = new Uri(builder.Configuration["feed"]!);
        options.Endpoint = "ep_1";
        options.GapGrace = TimeSpan.FromMilliseconds(300);
        options.HeadProbeInterval = TimeSpan.FromSeconds(2);
        options.FeedRetryMin = TimeSpan.FromMilliseconds(100);
        options.HandlerRetryMin = TimeSpan.FromMilliseconds(50);
        options.HandlerMaxAttempts = 1000;
    })
    .UsePostgreSqlInbox(options =>
    {
        options.ConnectionString = builder.Configuration["database"];
        options.Schema = schema;
        options.LeaseDuration = TimeSpan.FromSeconds(1);
    })
    .HandleFallback(async (received, context, cancellationToken) =>
    {
        var transaction = (NpgsqlTransaction)context.Transaction;
        // No key on the event: were it processed twice, the table would show it.
        await using var command = new NpgsqlCommand($"INSERT INTO effect_{schema} (seq, event_id) VALUES ($1, $2)", transaction.Connection, transaction)
        {
            Parameters = { new() { Value = received.Seq!.Value }, new() { Value = received.Id } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        // Long enough that most of what befalls the process does so in here, after the effect and before the commit.
        await Task.Delay(pauses.Next(10, 40), cancellationToken);
    });
await using var app = builder.Build();
app.MapWebhookReceiver("/hooks", "acme");
await app.StartAsync();
// Whoever starts it waits for the line, and ends it by closing its input.
Console.WriteLine("ready");
while (await Console.In.ReadLineAsync() is { } line && line != "stop") { }
await app.StopAsync();
