using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Webhooks.Dispatcher.Database;
using Webhooks.Signing;

namespace Webhooks.Dispatcher.Secrets;

/// <summary>
/// Encrypts endpoint secrets at rest. A DataProtection of its own, apart from the host's cookies and tokens, whose key ring is in the
/// database, so that every process with the master key reads the same secrets whatever machine or home directory it runs in.
/// </summary>
internal sealed class KeyRing : IAsyncDisposable
{
    private readonly WebhookDatabase _database;
    private readonly ServiceProvider _services;
    private readonly IDataProtector _protector;

    public KeyRing(WebhookDatabase database, IOptions<WebhookDispatcherOptions> options, ILoggerFactory loggers)
    {
        _database = database;
        if (!MasterKey.TryParse(options.Value.MasterKey, out var masterKey))
            throw new InvalidOperationException("MasterKey must be base64 of 32 bytes.");
        var services = new ServiceCollection();
        services.AddSingleton(loggers).AddLogging().AddSingleton(masterKey);
        services.AddDataProtection().SetApplicationName("Webhooks." + database.Schema);
        services.Configure<KeyManagementOptions>(keys =>
        {
            keys.XmlRepository = new Repository(database);
            keys.XmlEncryptor = masterKey;
        });
        _services = services.BuildServiceProvider();
        _protector = _services.GetRequiredService<IDataProtectionProvider>().CreateProtector("endpoint secret");
    }

    public byte[] Protect(WebhookSecret secret) => _protector.Protect(Encoding.UTF8.GetBytes(secret.Reveal()));

    /// <exception cref="FormatException">Its kind cannot be used by this process.</exception>
    public WebhookSecret Unprotect(byte[] ciphertext) => WebhookSecret.Parse(Encoding.UTF8.GetString(_protector.Unprotect(ciphertext)));

    /// <summary>One that is only to be shown or told from others: a process that cannot sign with it may list it, revoke it, and have another take its place.</summary>
    public WebhookSecret LookAt(byte[] ciphertext) =>
        WebhookSecret.TryRead(Encoding.UTF8.GetString(_protector.Unprotect(ciphertext)), out var secret, out var error) ? secret : throw new FormatException(error);

    /// <summary>Encrypts something else for one purpose; only for that does it open again.</summary>
    public byte[] Protect(byte[] plain, string purpose) => For(purpose).Protect(plain);

    /// <exception cref="CryptographicException">It was not encrypted here, or for another purpose.</exception>
    public byte[] Unprotect(byte[] ciphertext, string purpose) => For(purpose).Unprotect(ciphertext);

    /// <summary>Makes sure that there is a key and that the master key opens it.</summary>
    /// <exception cref="WebhookSettingsException">The key ring was wrapped with another master key.</exception>
    public async Task OpenAsync(CancellationToken cancel)
    {
        // Two processes that start on an empty database must not each make a key that the other learns of only a day later.
        await using var connection = await _database.OpenAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext($1))", connection, transaction)
        {
            Parameters = { new() { Value = _database.Schema + ".key_ring" } },
        };
        await take.ExecuteNonQueryAsync(cancel);
        var keys = _services.GetRequiredService<IKeyManager>().GetAllKeys();
        foreach (var key in keys)
        {
            try
            {
                _ = key.CreateEncryptor();
            }
            catch (Exception exception) when (exception is CryptographicException or InvalidOperationException)
            {
                throw new WebhookSettingsException(
                    nameof(WebhookDispatcherOptions.MasterKey),
                    $"does not open key {key.KeyId} of the key ring in schema \"{_database.Schema}\": configure the key with which this database was set up.", exception);
            }
        }

        Unprotect(Protect(WebhookSecret.Generate()));
        await transaction.CommitAsync(cancel);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private IDataProtector For(string purpose) => _services.GetRequiredService<IDataProtectionProvider>().CreateProtector(purpose);

    /// <summary>DataProtection asks synchronously and seldom: at start, and when a key is due for renewal.</summary>
    private sealed class Repository(WebhookDatabase database) : IXmlRepository
    {
        public IReadOnlyCollection<XElement> GetAllElements()
        {
            using var connection = database.Open();
            using var command = database.Command(connection, "Secrets/read_key_ring");
            using var reader = command.ExecuteReader();
            var elements = new List<XElement>();
            while (reader.Read()) elements.Add(XElement.Parse(reader.GetString(0)));
            return elements;
        }

        public void StoreElement(XElement element, string friendlyName)
        {
            using var connection = database.Open();
            using var command = database.Command(connection, "Secrets/write_key_ring", friendlyName, element.ToString(SaveOptions.DisableFormatting));
            command.ExecuteNonQuery();
        }
    }
}
