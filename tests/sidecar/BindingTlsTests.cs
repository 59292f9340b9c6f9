using System.Net;
using System.Security.Cryptography.X509Certificates;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Bindings;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Bindings over TLS: mail encrypted before it is said, web calls with certificates.</summary>
internal sealed class BindingTlsTests : SidecarFixture
{
    [Test]
    public async Task InvokeBinding_SmtpOffersStartTls_LogsInAndSendsUnderTls()
    {
        using var certificate = TestAuthority.Ours.Issue("mail");
        var server = Own(new StubSmtpServer(certificate));
        await SendAsync(server, Yaml.Item("skipTLSVerify", "true"));
        var mail = server.Mails.Single();
        Assert.That((mail.Login, mail.WasEncrypted), Is.EqualTo(("\0shop\0secret", true)));
        // What was said in the open: nothing but the way to TLS.
        Assert.That(server.SaidInTheOpen, Is.EqualTo(new[] { "EHLO localhost", "STARTTLS" }));
    }

    [Test]
    public async Task InvokeBinding_SmtpCertificateOfAStranger_SendsNeitherPasswordNorMail()
    {
        using var certificate = TestAuthority.Ours.Issue("mail");
        var server = Own(new StubSmtpServer(certificate));
        var failure = await DaprFailure.OfAsync(() => SendAsync(server));
        Assert.That(failure.Reason, Is.EqualTo("ERR_INVOKE_OUTPUT_BINDING"));
        Assert.That(failure.Message, Does.Contain("certificate"));
        Assert.That(server.Mails, Is.Empty);
        Assert.That(server.SaidInTheOpen, Is.EqualTo(new[] { "EHLO localhost", "STARTTLS" }));
    }

    // As on port 465, which not every machine lets a test open (MailPortTests).
    [TestCase(true)]
    [TestCase(false)]
    public async Task SmtpSession_TlsFromTheStart_SaysNothingInTheOpen(bool isTrusted)
    {
        using var certificate = TestAuthority.Ours.Issue("mail");
        var server = Own(new StubSmtpServer(certificate, tlsFromTheStart: true));
        var place = new SmtpServer("127.0.0.1", server.Port)
        {
            User = "shop",
            Password = "secret",
            IsTlsFromTheStart = true,
            SkipsVerification = isTrusted,
        };
        async Task SendAsync()
        {
            await using var session = await SmtpSession.OpenAsync(place, CancellationToken.None);
            await session.SendAsync(
                new Mail("shop@example.com", "s") { To = ["all@example.com"] },
                CancellationToken.None
            );
        }
        if (isTrusted)
            await SendAsync();
        else
            await Assert.ThrowsAsync<System.Security.Authentication.AuthenticationException>(SendAsync);
        Assert.That(server.Mails.Count(mail => mail.WasEncrypted), Is.EqualTo(isTrusted ? 1 : 0));
        Assert.That(server.SaidInTheOpen, Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task InvokeBinding_HttpWithClientCertificate_IsKnownToTheServer(bool asFiles)
    {
        var port = await SiteAsync();
        using var certificate = TestAuthority.Ours.Issue("the shop");
        var key = certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
        using var folder = new TemporaryFolder();
        string Given(string name, string pem) =>
            asFiles ? folder.Write(name, pem) : pem.ReplaceLineEndings("\\n");
        var client = await ClientAsync(
            port,
            Yaml.Item("MTLSRootCA", Given("root.pem", TestAuthority.Ours.RootPem))
                + Yaml.Item("MTLSClientCert", Given("client.pem", certificate.ExportCertificatePem()))
                + Yaml.Item("MTLSClientKey", Given("client.key", key))
                + Yaml.Item("MTLSRenegotiation", "RenegotiateOnceAsClient")
        );
        var reply = await client.InvokeBindingAsync(Get);
        Assert.That(reply.Data.ToStringUtf8(), Is.EqualTo("CN=the shop"));
    }

    [Test]
    public async Task InvokeBinding_HttpWithoutClientCertificate_IsRefusedByTheServer()
    {
        var root = TestAuthority.Ours.RootPem.ReplaceLineEndings("\\n");
        var client = await ClientAsync(await SiteAsync(), Yaml.Item("MTLSRootCA", root));
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(Get));
        Assert.That(failure.Reason, Is.EqualTo("ERR_INVOKE_OUTPUT_BINDING"));
    }

    [Test]
    public async Task InvokeBinding_HttpServerOfAnotherAuthority_IsNotTrusted()
    {
        var port = await SiteAsync(ClientCertificateMode.NoCertificate);
        using var stranger = new TestAuthority();
        var root = stranger.RootPem.ReplaceLineEndings("\\n");
        var trusted = TestAuthority.Ours.RootPem.ReplaceLineEndings("\\n");
        var client = await ClientAsync(port, Yaml.Item("MTLSRootCA", root));
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(Get));
        Assert.That(failure.Message, Does.Contain("SSL"));
        var other = await ClientAsync(port, Yaml.Item("MTLSRootCA", trusted));
        Assert.That((await other.InvokeBindingAsync(Get)).Data.ToStringUtf8(), Is.EqualTo("nobody"));
    }

    [TestCase("MTLSRootCA", "no such file", "MTLSRootCA, MTLSClientCert or MTLSClientKey cannot be read")]
    [TestCase("MTLSClientCert", "-----BEGIN nothing", "MTLSClientKey is required")]
    [TestCase(
        "MTLSRenegotiation",
        "Sometimes",
        "MTLSRenegotiation must be RenegotiateNever, RenegotiateOnceAsClient"
    )]
    public async Task BindingsHttp_TlsMistake_EndsTheStartWithTheField(string field, string value, string why)
    {
        GivenSidecar.RefuseFor("a start that is refused");
        var mistake = await Assert.ThrowsAsync<ConfigException>(() =>
            ClientAsync(1, Yaml.Item(field, value))
        );
        Assert.That(mistake!.Message, Does.Contain("components.yaml:").And.Contain(why));
    }

    private static InvokeBindingRequest Get => new() { Name = "web", Operation = "get" };

    // Answers with the name in the caller's certificate.
    private async Task<int> SiteAsync(
        ClientCertificateMode clients = ClientCertificateMode.RequireCertificate
    )
    {
        var port = FreePorts.One();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                port,
                listen =>
                    listen.UseHttps(https =>
                    {
                        https.ServerCertificate = TestAuthority.Ours.Issue("site");
                        https.ClientCertificateMode = clients;
                        https.AllowAnyClientCertificate();
                    })
            )
        );
        var web = builder.Build();
        web.Run(context =>
            context.Response.WriteAsync(context.Connection.ClientCertificate?.Subject ?? "nobody")
        );
        await web.StartAsync();
        Own(web);
        return port;
    }

    private async Task<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient> ClientAsync(int port, string metadata)
    {
        var url = Yaml.Item("url", $"https://127.0.0.1:{port}/");
        return await StartAsync(Yaml.Component("web", "bindings.http", "v1", url + metadata));
    }

    private async Task<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient> StartAsync(string components) =>
        Own(await TestSidecar.StartAsync(components, TestSidecar.App("app"))).Client("app");

    private async Task SendAsync(StubSmtpServer server, string metadata = "")
    {
        var client = await StartAsync(Yaml.Smtp(server, metadata));
        var request = new InvokeBindingRequest { Name = "mail", Operation = "create" };
        request.Data = ByteString.CopyFromUtf8("text");
        await client.InvokeBindingAsync(request);
    }
}
