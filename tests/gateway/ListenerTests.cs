using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>The public port: which protocols it speaks, with a certificate and without.</summary>
internal sealed class ListenerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestCertificates _certificates = new();

    [OneTimeTearDown]
    public void Clean() => _certificates.Dispose();

    [Test]
    public async Task Port_WithoutCertificate_SpeaksBothVersions([Values("1.1", "2.0")] string version)
    {
        await using var gateway = await GatewayHarness.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            new Uri(gateway.Origin, "/api/v1/things/t1")
        )
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await http.SendAsync(request);

        Assert.That(
            (response.StatusCode, response.Version.ToString()),
            Is.EqualTo((HttpStatusCode.OK, version))
        );
    }

    [Test]
    public async Task Build_WhateverDirectory_ReadsNoSettingsOfIt()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var settings = (IConfigurationRoot)gateway.Part<IConfiguration>();
        Assert.That(settings.Providers.OfType<FileConfigurationProvider>(), Is.Empty);
    }

    [TestCase(1)]
    [TestCase(5)]
    [TestCase(24)]
    public async Task Port_RequestInPieces_IsSortedAllTheSame(int pieceBytes)
    {
        await using var gateway = await GatewayHarness.StartAsync();
        // Begins like HTTP/2 does, but is HTTP/1.1.
        var answer = await TellAsync(
            gateway,
            "PRI /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            pieceBytes
        );
        Assert.That(answer, Does.StartWith("HTTP/1.1 "));

        // An empty SETTINGS frame behind the preface is answered by one.
        var settings = await TellAsync(
            gateway,
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0",
            pieceBytes
        );
        Assert.That(settings[3], Is.EqualTo('\x4'));
    }

    [Test]
    public async Task Port_HalfAPrefaceThenEnd_IsClosed()
    {
        await using var gateway = await GatewayHarness.StartAsync();

        Assert.That(await TellAsync(gateway, "PRI * HT", 8, ends: true), Does.Not.Contain("200"));
        Assert.That((await gateway.SendAsync("GET", "/health")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Port_WithCertificate_SpeaksTls13AndBothVersions([Values("1.1", "2.0")] string version)
    {
        var files = _certificates.Issue("first");
        await using var gateway = await StartSecureAsync(files);
        using var http = new HttpClient(Trusting(_ => { }));
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            new Uri(gateway.Origin, "/api/v1/things/t1")
        )
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await http.SendAsync(request);

        Assert.Multiple(() =>
        {
            Assert.That(response.Version.ToString(), Is.EqualTo(version));
            Assert.That(response.Headers.GetValues("Strict-Transport-Security"), Is.Not.Empty);
        });
    }

    [Test]
    public async Task Port_WithCertificate_ServesGrpc()
    {
        await using var gateway = await StartSecureAsync(_certificates.Issue("grpc"));
        using var channel = GrpcChannel.ForAddress(
            gateway.Origin,
            new GrpcChannelOptions { HttpHandler = Trusting(_ => { }) }
        );
        var thing = await new EchoService.EchoServiceClient(channel).GetThingAsync(
            new GetThingRequest { ThingId = "t1" }
        );

        Assert.That(thing.ThingId, Is.EqualTo("t1"));
    }

    [Test]
    public async Task Port_CertificateWithoutItsKey_DoesNotStart()
    {
        var (one, other) = (_certificates.Issue("one"), _certificates.Issue("another"));

        await Assert.ThatAsync(
            () => StartSecureAsync((one.Certificate, other.Key)),
            Throws.InstanceOf<ArgumentException>().Or.InstanceOf<CryptographicException>()
        );
    }

    [Test]
    public async Task Port_WithCertificate_RefusesOldTls()
    {
        await using var gateway = await StartSecureAsync(_certificates.Issue("old"));
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, gateway.Origin.Port);
        await using var tls = new SslStream(client.GetStream());
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls12,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => IsOurs(certificate),
        };

        await Assert.ThatAsync(() => tls.AuthenticateAsClientAsync(options), Throws.Exception);
    }

    [Test]
    public async Task Port_CertificateRenewed_ServesTheNewOne()
    {
        var files = _certificates.Issue("renewed");
        var clock = new Harness.ManualTimeProvider();
        await using var gateway = await StartSecureAsync(files, clock);
        Assert.That(await SubjectAsync(gateway), Is.EqualTo("CN=renewed"));

        // A certificate without its key is left alone, and one with it is taken.
        var other = _certificates.Issue("other");
        File.Copy(other.Certificate, files.Certificate, overwrite: true);
        File.SetLastWriteTimeUtc(files.Certificate, DateTime.UnixEpoch.AddDays(1));
        clock.Advance(TimeSpan.FromSeconds(6));
        Assert.That(await SubjectAsync(gateway), Is.EqualTo("CN=renewed"));
        File.Copy(other.Key, files.Key, overwrite: true);
        clock.Advance(TimeSpan.FromSeconds(6));
        Assert.That(await SubjectAsync(gateway), Is.EqualTo("CN=other"));
    }

    private static Task<GatewayHarness> StartSecureAsync(
        (string Certificate, string Key) files,
        TimeProvider? clock = null
    ) =>
        GatewayHarness.StartAsync(
            settings => settings with { CertificateFile = files.Certificate, CertificateKeyFile = files.Key },
            clock
        );

    private async Task<string> SubjectAsync(GatewayHarness gateway)
    {
        var subject = "";
        using var http = new HttpClient(Trusting(certificate => subject = certificate.Subject));
        using var response = await http.GetAsync(new Uri(gateway.Origin, "/health"));
        return subject;
    }

    private bool IsOurs(X509Certificate? certificate) => _certificates.Has(certificate);

    private SocketsHttpHandler Trusting(Action<X509Certificate> see) =>
        new()
        {
            SslOptions =
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    see(certificate!);
                    return IsOurs(certificate);
                },
            },
        };

    private static async Task<string> TellAsync(
        GatewayHarness gateway,
        string text,
        int pieceBytes,
        bool ends = false
    )
    {
        using var timeout = new CancellationTokenSource(Patience);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, gateway.Origin.Port);
        var stream = client.GetStream();
        foreach (var piece in Encoding.Latin1.GetBytes(text).Chunk(pieceBytes))
            await stream.WriteAsync(piece, timeout.Token);
        if (ends)
            client.Client.Shutdown(SocketShutdown.Send);
        var answer = new byte[4096];
        return Encoding.Latin1.GetString(answer, 0, await stream.ReadAsync(answer, timeout.Token));
    }
}
