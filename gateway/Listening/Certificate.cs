using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Souk.Gateway.Listening;

/// <summary>
/// The certificate of the public port, read again when its file changes, so that it can be renewed without a
/// restart. Whoever renews it writes the key first: a pair that does not fit is left alone until it does.
/// </summary>
internal sealed partial class Certificate(
    GatewaySettings settings,
    TimeProvider clock,
    ILogger<Certificate> logger
)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private volatile SslServerAuthenticationOptions? _options;
    private DateTime _writtenAt;
    private long _nextLook;

    /// <summary>
    /// How Kestrel shakes hands. Fails on files that cannot be used: such a gateway shall not start.
    /// </summary>
    public TlsHandshakeCallbackOptions Open()
    {
        Current();
        return new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakePatience,
            OnConnection = _ => ValueTask.FromResult(Current()),
        };
    }

    private SslServerAuthenticationOptions Current()
    {
        var now = clock.GetUtcNow().Ticks;
        if (_options is { } known && now < Volatile.Read(ref _nextLook))
            return known;
        lock (_gate)
        {
            Volatile.Write(ref _nextLook, now + LookEvery.Ticks);
            var writtenAt = File.GetLastWriteTimeUtc(settings.CertificateFile);
            if (_options is { } same && writtenAt == _writtenAt)
                return same;
            try
            {
                var options = Read();
                (_options, _writtenAt) = (options, writtenAt);
                return options;
            }
            catch (Exception e)
                when (_options is not null && e is CryptographicException or IOException or ArgumentException)
            {
                LogUnusable(logger, e.Message);
                return _options;
            }
        }
    }

    private SslServerAuthenticationOptions Read()
    {
        var leaf = X509Certificate2.CreateFromPemFile(settings.CertificateFile, settings.CertificateKeyFile);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(settings.CertificateFile);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(leaf, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
        };
    }

    [LoggerMessage(LogLevel.Error, "The new certificate cannot be used, the old one stays in use: {Problem}")]
    private static partial void LogUnusable(ILogger logger, string problem);
}
