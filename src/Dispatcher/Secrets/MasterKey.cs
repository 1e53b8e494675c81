using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace Webhooks.Dispatcher.Secrets;

/// <summary>Wraps the keys of the key ring: AES-256-GCM under a key from configuration.</summary>
internal sealed class MasterKey(byte[] key) : IXmlEncryptor, IXmlDecryptor
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public static bool TryParse(string? text, [NotNullWhen(true)] out MasterKey? masterKey)
    {
        Span<byte> bytes = stackalloc byte[48];
        masterKey = !string.IsNullOrEmpty(text) && text.Length <= 48 && Convert.TryFromBase64String(text, bytes, out var count) && count == 32
            ? new MasterKey(bytes[..32].ToArray())
            : null;
        return masterKey is not null;
    }

    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var plain = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(sealedBytes.AsSpan(0, NonceBytes), plain, sealedBytes.AsSpan(NonceBytes, plain.Length), sealedBytes.AsSpan(NonceBytes + plain.Length));
        CryptographicOperations.ZeroMemory(plain);
        return new EncryptedXmlInfo(new XElement("wrapped", Convert.ToBase64String(sealedBytes)), typeof(MasterKeyDecryptor));
    }

    public XElement Decrypt(XElement encryptedElement)
    {
        var sealedBytes = Convert.FromBase64String(encryptedElement.Value);
        var plain = new byte[sealedBytes.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(sealedBytes.AsSpan(0, NonceBytes), sealedBytes.AsSpan(NonceBytes, plain.Length), sealedBytes.AsSpan(NonceBytes + plain.Length), plain);
        return XElement.Parse(Encoding.UTF8.GetString(plain));
    }
}

/// <summary>What DataProtection makes, by the name stored with a key, to unwrap it; the master key comes from configuration, never from the database.</summary>
/// <param name="services">DataProtection's own services, which hold the master key.</param>
internal sealed class MasterKeyDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement) =>
        ((MasterKey)services.GetService(typeof(MasterKey))!).Decrypt(encryptedElement);
}
