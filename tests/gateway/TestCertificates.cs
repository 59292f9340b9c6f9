using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Souk.Tests.Gateway;

/// <summary>Self-signed certificates for loopback, as PEM files in a folder that goes with them.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly ConcurrentDictionary<string, string> _issued = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("souk-tls-");

    /// <summary>Whether it is one of these: clients here trust no other.</summary>
    public bool Has(X509Certificate? certificate) =>
        certificate is not null && _issued.ContainsKey(certificate.GetCertHashString());

    /// <summary>Makes a certificate and returns its files.</summary>
    public (string Certificate, string Key) Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _issued[certificate.GetCertHashString()] = name;
        var files = (
            Certificate: Path.Combine(_folder.FullName, $"{name}.pem"),
            Key: Path.Combine(_folder.FullName, $"{name}.key")
        );
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
