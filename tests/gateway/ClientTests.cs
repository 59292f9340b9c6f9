using System.Text.Json.Nodes;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// The gateway as programs see it that others wrote: Node's and Python's gRPC, undici, an EventSource, a
/// WebSocket, curl. What they check is in clients/.
/// </summary>
internal sealed class ClientTests
{
    private GatewayHarness _gateway = null!;

    private string Host => _gateway.Origin.Authority;

    [OneTimeSetUp]
    public async Task Start() => _gateway = await GatewayHarness.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task Gateway_GrpcJs_CallsAllKindsOfRpcs()
    {
        var node = await NodePackage.OpenAsync("tests/gateway/clients");

        Assert.That(await node.RunAsync("grpc.mjs", Host, GatewayHarness.Token("buyer")), Is.EqualTo("ok\n"));
    }

    [Test, Description("K31")]
    public async Task Gateway_UndiciEventSourceAndWebSocket_ReadStreams()
    {
        var node = await NodePackage.OpenAsync("tests/gateway/clients");
        var origin = $"http://{Host}";

        Assert.That(
            await node.RunAsync("streams.mjs", origin, GatewayHarness.Token("buyer")),
            Is.EqualTo("ok\n")
        );
    }

    [Test]
    public async Task Gateway_Grpcio_CallsAndReadsAStream()
    {
        const string echo = "souk.echo.v1.EchoService";
        var thing = await PythonClient.CallAsync(Host, echo, "GetThing", """{"thing_id":"t1"}""");
        var stream = await PythonClient.CallAsync(Host, echo, "WatchThings", """{"count":-2}""");
        var created = await PythonClient.CallAsync(
            Host,
            echo,
            "CreateThing",
            """{"thing":{"name":"Lamp"}}""",
            GatewayHarness.Token()
        );

        Assert.Multiple(() =>
        {
            Assert.That((string?)thing[0]["thing_id"], Is.EqualTo("t1"));
            Assert.That(
                stream.Select(line => (string?)line["name"] ?? (string?)line["code"]),
                Is.EqualTo(new[] { "thing 0", "thing 1", "ABORTED" })
            );
            Assert.That(
                Convert.FromHexString((string)stream[2]["details"]!).AsSpan().IndexOf("GONE"u8),
                Is.Positive
            );
            Assert.That((string?)created[0]["name"], Is.EqualTo("Lamp"));
        });
    }

    [TestCase("--http1.1")]
    [TestCase("--http2-prior-knowledge")]
    public async Task Gateway_Curl_ReadsLinesAndEvents(string version)
    {
        var url = $"http://{Host}/api/v1/watch?count=2";
        var lines = await CurlAsync(version, url);
        var events = await CurlAsync(
            version,
            url,
            "-H",
            "Accept: text/event-stream",
            "-H",
            "Last-Event-ID: 1"
        );

        Assert.That(
            lines
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => (string?)JsonNode.Parse(line)!["name"]),
            Is.EqualTo(new[] { "thing 0", "thing 1" })
        );
        Assert.That(events, Does.Contain("id: 2\ndata: {").And.EndsWith("event: end\ndata: {}\n\n"));
    }

    [Test]
    public async Task Gateway_UnderTls_ServesGrpcJsAndCurl()
    {
        using var certificates = new TestCertificates();
        var files = certificates.Issue("localhost");
        await using var gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                CertificateFile = files.Certificate,
                CertificateKeyFile = files.Key,
            }
        );
        var node = await NodePackage.OpenAsync("tests/gateway/clients");
        var host = gateway.Origin.Authority;
        var called = await node.RunAsync("grpc.mjs", host, GatewayHarness.Token("buyer"), files.Certificate);
        var version = await CurlAsync(
            ["--cacert", files.Certificate, "--tlsv1.3", "-o", "/dev/null", "-w", "%{http_version}"],
            $"https://{host}/health"
        );

        Assert.That((called, version), Is.EqualTo(("ok\n", "2")));
    }

    private static Task<string> CurlAsync(string[] options, string url) => CurlAsync([.. options, url]);

    private static Task<string> CurlAsync(params string[] arguments) =>
        SystemProgram.RunAsync("curl", ["-sS", "--no-buffer", "--max-time", "60", .. arguments]);
}
