using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Souk.Sidecar.Components;

/// <summary>Certificates as components hold them: PEM, or the name of a file that holds it.</summary>
internal static class Pem
{
    public static string Text(string value) =>
        value.Contains("-----BEGIN", StringComparison.Ordinal) ? value : File.ReadAllText(value);

    /// <summary>Whether the error says that a value holds no PEM or names an unreadable file.</summary>
    public static bool IsUnreadable(Exception error) =>
        error is CryptographicException or IOException or UnauthorizedAccessException;

    /// <summary>A certificate and its key as one.</summary>
    public static X509Certificate2 Certificate(string certificate, string key) =>
        X509Certificate2.CreateFromPem(Text(certificate), Text(key));
}
