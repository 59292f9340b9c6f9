using System.Net;
using System.Net.Sockets;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;

namespace Souk.Tests.Sidecar;

/// <summary>The one port whose number says that TLS comes before the first word.</summary>
internal sealed class MailPortTests : SidecarFixture
{
    // An address of this machine on which nobody else would have the port.
    private static readonly IPEndPoint Place = new(IPAddress.Parse("127.65.4.65"), 465);

    [Test]
    public async Task InvokeBinding_SmtpPort465_SpeaksTlsFromTheFirstWord()
    {
        using var certificate = TestAuthority.Ours.Issue("mail");
        var server = Own(OpenServer(certificate));
        var component = Yaml.Component(
            "mail",
            "bindings.smtp",
            "v1",
            Yaml.Item("host", $"{Place.Address}")
                + Yaml.Item("port", $"{Place.Port}")
                + Yaml.Item("skipTLSVerify", "true")
                + Yaml.Item("emailFrom", "shop@example.com")
                + Yaml.Item("emailTo", "all@example.com")
                + Yaml.Item("subject", "s")
        );
        var sidecar = Own(await TestSidecar.StartAsync(component, TestSidecar.App("app")));
        await sidecar
            .Client("app")
            .InvokeBindingAsync(
                new InvokeBindingRequest
                {
                    Name = "mail",
                    Operation = "create",
                    Data = ByteString.CopyFromUtf8("<p>hello</p>"),
                }
            );
        Assert.That(server.Mails.Single().WasEncrypted);
        Assert.That(server.SaidInTheOpen, Is.Empty);
    }

    private static StubSmtpServer OpenServer(
        System.Security.Cryptography.X509Certificates.X509Certificate2 certificate
    )
    {
        try
        {
            return new StubSmtpServer(certificate, tlsFromTheStart: true, Place);
        }
        catch (SocketException e)
        {
            throw new IgnoreException($"Port 465 is not ours to open here: {e.Message}", e);
        }
    }
}
