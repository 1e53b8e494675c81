using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Options;
using Webhooks.Dispatcher;

namespace Webhooks.Server;

/// <summary>What the command line says about the settings.</summary>
/// <param name="File">A file of settings; null for none.</param>
/// <param name="Values">Settings by their keys; they win over every other source.</param>
internal sealed record GivenSettings(string? File, IReadOnlyDictionary<string, string?> Values);

/// <summary>Where the settings come from, and what is wrong with them.</summary>
internal static partial class ServerSettings
{
    /// <summary>The dispatcher's settings stand below it.</summary>
    public const string Section = "Webhooks";

    /// <summary>Puts the file between what comes with the program and the environment, and the command line above all.</summary>
    /// <exception cref="BadSettingsException">A file cannot be read.</exception>
    public static WebApplicationBuilder CreateBuilder(GivenSettings given)
    {
        try
        {
            // appsettings.json lies beside the program, wherever it is started.
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
            if (given.File is { } file)
            {
                var source = new JsonConfigurationSource { Path = Path.GetFullPath(file), Optional = false };
                source.ResolveFileProvider();
                IList<IConfigurationSource> sources = builder.Configuration.Sources;
                sources.Insert(sources.IndexOf(sources.OfType<EnvironmentVariablesConfigurationSource>().Last()), source);
            }

            builder.Configuration.AddInMemoryCollection(given.Values);
            return builder;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new BadSettingsException([exception.InnerException is { } inner ? $"{exception.Message} {inner.Message}" : exception.Message]);
        }
    }

    /// <summary>Reads the settings once, to say all that is wrong before anything is begun.</summary>
    /// <exception cref="BadSettingsException">Something is.</exception>
    public static ServerOptions Check(IConfiguration configuration)
    {
        var problems = Unknown(configuration.GetSection(Section), typeof(WebhookDispatcherOptions))
            .Concat(Unknown(configuration.GetSection(ServerOptions.Section), typeof(ServerOptions))).ToList();
        var server = new ServerOptions();
        try
        {
            configuration.GetSection(ServerOptions.Section).Bind(server);
            problems.AddRange(server.Problems());
            using var dispatcher = new ServiceCollection().AddWebhookDispatcher(configuration.GetSection(Section)).Services.BuildServiceProvider();
            _ = dispatcher.GetRequiredService<IOptions<WebhookDispatcherOptions>>().Value;
        }
        catch (OptionsValidationException refused)
        {
            problems.AddRange(refused.Failures.Select(failure => $"{Section}:{failure}"));
        }
        catch (InvalidOperationException unreadable)
        {
            // The binder's own message names the key and the type that it must have. The text that stands there may be a secret: a proxy's address can hold a password.
            problems.Add(Quoted().Replace(unreadable.Message, "value at '"));
        }

        if (configuration[WebHostDefaults.ServerUrlsKey] is { } urls)
            problems.AddRange(urls.Split(';', StringSplitOptions.RemoveEmptyEntries).Where(url => !IsAddress(url.Trim())).Select(url => $"Urls must be such as http://127.0.0.1:8080; \"{url}\" is none."));
        return problems.Count == 0 ? server : throw new BadSettingsException(problems);
    }

    /// <summary>Keys that no setting has: a mistyped one would go unnoticed, and its default hold.</summary>
    private static IEnumerable<string> Unknown(IConfigurationSection section, Type options)
    {
        foreach (var child in section.GetChildren())
        {
            var property = options.GetProperty(child.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is null) yield return $"{child.Path} is no setting.";
            else if (property.PropertyType.Assembly == typeof(WebhookDispatcherOptions).Assembly && property.PropertyType.IsClass)
                foreach (var problem in Unknown(child, property.PropertyType)) yield return problem;
        }
    }

    private static bool IsAddress(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Scheme is "http" or "https" && address.PathBase.Length == 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    [GeneratedRegex("value '.*' at '", RegexOptions.Singleline)]
    private static partial Regex Quoted();
}
