using System.IO.Compression;
using System.Net;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Webhooks.Signing;

namespace Webhooks.Receiver.Tests;

/// <summary>Whatever else an application has in its pipeline, the sender gets the receiver's own answer (promise 11).</summary>
public sealed class HostMiddlewareTests
{
    [Fact]
    public async Task StatusCodePages_ThatExecuteAgain_DoNotChangeTheAnswer()
    {
        await using var app = await TestApp.StartAsync(memory: true, pipeline: pipeline => pipeline.UseStatusCodePagesWithReExecute("/oops"));
        await RefusalStaysAsync(app);
    }

    [Fact]
    public async Task StatusCodePages_WithRedirects_DoNotChangeTheAnswer()
    {
        await using var app = await TestApp.StartAsync(memory: true, pipeline: pipeline => pipeline.UseStatusCodePagesWithRedirects("/oops"));
        await RefusalStaysAsync(app);
    }

    [Fact]
    public async Task FallbackPolicy_AsksNoUserOfASender()
    {
        await using var app = await TestApp.StartAsync(
            memory: true,
            services: services =>
            {
                services.AddAuthentication("none").AddScheme<AuthenticationSchemeOptions, NobodyHandler>("none", _ => { });
                services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
            },
            pipeline: pipeline =>
            {
                pipeline.UseRouting();
                pipeline.UseAuthentication();
                pipeline.UseAuthorization();
                pipeline.MapGet("/other", () => "secret");
            });
        using (var other = await app.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/other"))) Assert.Equal(HttpStatusCode.Unauthorized, other.StatusCode);
        Assert.Equal(204, await app.DeliverAsync(1));
        await RefusalStaysAsync(app);
    }

    [Fact]
    public async Task Antiforgery_AsksNoTokenOfASender()
    {
        await using var app = await TestApp.StartAsync(
            memory: true, services: services => services.AddAntiforgery(), pipeline: pipeline =>
            {
                pipeline.UseRouting();
                pipeline.UseAntiforgery();
            });
        Assert.Equal(204, await app.DeliverAsync(1));
    }

    [Fact]
    public async Task CompressionBufferingAndExceptionHandler_DoNotChangeTheAnswer()
    {
        await using var app = await TestApp.StartAsync(
            memory: true, services: services => services.AddResponseCompression(options => options.EnableForHttps = true).AddProblemDetails(), pipeline: pipeline =>
            {
                pipeline.UseExceptionHandler();
                pipeline.UseResponseCompression();
                // Buffers answers, as some logging does.
                pipeline.Use(async (context, next) =>
                {
                    var (own, buffered) = (context.Response.Body, new MemoryStream());
                    context.Response.Body = buffered;
                    await next(context);
                    context.Response.Body = own;
                    // Even no bytes are one write too many for a 204: the server would close the connection, and the next request might meet that.
                    if (buffered.Length > 0) await own.WriteAsync(buffered.ToArray());
                });
            });
        Assert.Equal(204, await app.DeliverAsync(1));
        await RefusalStaysAsync(app);
    }

    [Fact]
    public async Task Decompression_OfWhatIsNone_IsAnswered400_AndOfTooMuch4xx()
    {
        await using var app = await TestApp.StartAsync(
            options => options.MaxBodyBytes = 4096, memory: true,
            services: services => services.AddRequestDecompression(), pipeline: pipeline => pipeline.UseRequestDecompression());
        var one = Sent.Event(1);
        Assert.Equal(400, await GzipAsync(app, TestApp.Request(one.Id, "no gzip"u8.ToArray())));
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await gzip.WriteAsync(new byte[1024 * 1024]);
        Assert.InRange(await GzipAsync(app, TestApp.Request(one.Id, packed.ToArray())), 400, 499);
    }

    [Theory]
    [InlineData("buffered")]
    [InlineData("unbuffered")]
    [InlineData("part")]
    [InlineData("form")]
    [InlineData("pipe")]
    public async Task BodyReadBefore_Answers500_AndTheLogSaysWhy(string how)
    {
        using var logs = new LogRecorder();
        await using var app = await TestApp.StartAsync(
            memory: true, services: services => services.AddSingleton<ILoggerProvider>(logs), pipeline: pipeline => pipeline.Use(async (context, next) =>
            {
                await ReadAsync(context, how);
                await next(context);
            }));
        Assert.Equal(500, await app.DeliverAsync(1));
        Assert.Contains(logs.Lines, line => line.Contains("was read before the receiver could", StringComparison.Ordinal));
        Assert.Equal(0, (await app.Status.GetAsync(TestApp.Source)).Counts.Received);
    }

    [Fact]
    public async Task BodyReadBefore_WithoutAStatedLength_Answers400_AndTheLogSaysWhatMayBe()
    {
        using var logs = new LogRecorder();
        await using var app = await TestApp.StartAsync(
            memory: true, services: services => services.AddSingleton<ILoggerProvider>(logs), pipeline: pipeline => pipeline.Use(async (context, next) =>
            {
                await ReadAsync(context, "unbuffered");
                await next(context);
            }));
        var one = Sent.Event(1);
        using var request = TestApp.Request(one.Id, one.Body);
        request.Headers.TransferEncodingChunked = true;
        using var response = await app.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains(logs.Lines, line => line.Contains("something in this application read it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task BodyBufferedAndRewound_IsTaken()
    {
        await using var app = await TestApp.StartAsync(memory: true, pipeline: pipeline => pipeline.Use(async (context, next) =>
        {
            context.Request.EnableBuffering();
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Request.Body.Position = 0;
            await next(context);
        }));
        Assert.Equal(204, await app.DeliverAsync(1));
    }

    private static async Task ReadAsync(HttpContext context, string how)
    {
        if (how == "buffered") context.Request.EnableBuffering();
        switch (how)
        {
            case "part":
                await context.Request.Body.ReadAtLeastAsync(new byte[5], 5);
                break;
            case "form":
                context.Request.ContentType = "application/x-www-form-urlencoded";
                await context.Request.ReadFormAsync();
                context.Request.ContentType = "application/json";
                break;
            case "pipe":
                var read = await context.Request.BodyReader.ReadAtLeastAsync((int)context.Request.ContentLength!);
                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                break;
            default:
                await context.Request.Body.CopyToAsync(Stream.Null);
                break;
        }
    }

    private static async Task RefusalStaysAsync(TestApp app)
    {
        var one = Sent.Event(9);
        using var response = await app.SendAsync(TestApp.Request(one.Id, one.Body, WebhookSecret.Generate()));
        Assert.Equal((401, ""), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
        using var unknown = await app.SendAsync(TestApp.Request(one.Id, one.Body, path: "/any/nobody"));
        Assert.Equal((404, ""), ((int)unknown.StatusCode, await unknown.Content.ReadAsStringAsync()));
    }

    private static async Task<int> GzipAsync(TestApp app, HttpRequestMessage request)
    {
        request.Content!.Headers.ContentEncoding.Add("gzip");
        using var response = await app.SendAsync(request);
        return (int)response.StatusCode;
    }

    private sealed class NobodyHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(AuthenticateResult.NoResult());
    }
}
