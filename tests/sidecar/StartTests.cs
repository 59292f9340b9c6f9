using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Souk.Sidecar.Processes;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>
/// How a start ends that cannot go on: one line with file, line and field, exit code 2, and no stack trace.
/// And how a log is read by machines.
/// </summary>
internal sealed class StartTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("souk-start-").FullName;

    [TearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(
        "type: state.oracle",
        "",
        6,
        "component 'store' (state.oracle): type is not known here; known are"
    )]
    [TestCase("type: state.redis", "", 3, "component 'store' (state.redis): redisHost is required")]
    [TestCase(
        "type: state.postgresql\n  version: v1",
        "- { name: connectionString, value: x }",
        7,
        "component 'store' (state.postgresql): version must be v2"
    )]
    [TestCase(
        "type: state.redis",
        "- { name: redisHost, value: \"x:1\" }\n    - { name: redisDB, value: first }",
        9,
        "component 'store' (state.redis): redisDB must be"
    )]
    [TestCase(
        "type: state.redis",
        "- { name: redisHost, value: \"localhost:many\" }",
        8,
        "component 'store' (state.redis): redisHost must be host:port"
    )]
    [TestCase(
        "type: state.redis",
        "- { name: redisHost, value: \"127.0.0.1:1\" }",
        8,
        "component 'store' (state.redis): redisHost names a server that cannot be used: no Redis at 127.0.0.1:1"
    )]
    [TestCase(
        "type: state.postgresql\n  version: v2",
        "- { name: connectionString, value: \"host=127.0.0.1 port=1\" }",
        9,
        "component 'store' (state.postgresql): connectionString names a server that cannot be used: "
    )]
    [TestCase(
        "type: state.in-memory",
        "- { name: keyPrefix, secretKeyRef: { name: x } }",
        3,
        "auth.secretStore is required"
    )]
    [TestCase("type: state.in-memory", "- { value: 1 }", 8, "spec.metadata[0].name is required")]
    [TestCase("type: state.in-memory", "- { name: x, envRef: DAPR_API_TOKEN }", 8, "envRef may not name")]
    [TestCase("type: [", "", 0, "While parsing")]
    [TestCase("type: DEEP", "", 6, "nested more than 64 levels deep")]
    [TestCase("type: {}", "", 6, "spec.type must be text")]
    [TestCase("initTimeout: soon\n  type: state.in-memory", "", 6, "spec.initTimeout must be a duration")]
    public async Task Serve_ComponentMistake_IsOneLineWithFileLineAndField(
        string type,
        string metadata,
        int line,
        string problem
    )
    {
        var file = Path.Combine(_folder, "store.yaml");
        var deep = new string('[', 100_000);
        // The second line is a comment, so that the document begins at the third.
        await File.WriteAllTextAsync(
            file,
            $"""
            ---
            # what the shop keeps
            kind: Component
            metadata: {"{ name: store }"}
            spec:
              {type.Replace("DEEP", deep)}
              metadata:
                {metadata}
            """
        );
        await using var sidecar = Serve("--resources-path", _folder);
        var place = line == 0 ? $"{file}:" : $"{file}:{line}: ";
        await sidecar.AssertRefusesAsync($"sidecar: {place}", problem);
    }

    [Test]
    public async Task Serve_PortTaken_NamesTheFlag()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var sidecar = Serve("--dapr-grpc-port", $"{port}");
        await sidecar.AssertRefusesAsync(
            "sidecar: --dapr-grpc-port",
            $"is {port}, which another process listens on"
        );
    }

    [Test]
    public async Task Serve_OnePortForTwoThings_NamesTheFlag()
    {
        var port = FreePorts.One();
        await using var sidecar = Serve("--dapr-http-port", $"{port}", "--dapr-grpc-port", $"{port}");
        await sidecar.AssertRefusesAsync(
            "sidecar: --dapr-grpc-port",
            $"is {port}, which is wanted for something else as well"
        );
    }

    [Test]
    public async Task Run_ComponentMistake_IsToldTheSameWay()
    {
        var run = Path.Combine(_folder, "dapr.yaml");
        await File.WriteAllTextAsync(
            run,
            "version: 1\napps:\n  - appDirPath: .\n    resourcesPaths: [.]\n    appPort: 70000\n"
        );
        await using var sidecar = new KillableProcess("dotnet", SidecarProcess.Program, "run", "-f", run);
        sidecar.Start();
        await sidecar.AssertRefusesAsync($"sidecar: {run}:5: ", "apps[0].appPort must be a whole number");
    }

    [TestCase(false, "--app-port")]
    [TestCase(true, "apps[0].appPort")]
    public async Task Run_AppDoesNotListen_IsToldWithItsPlace(bool byFile, string field)
    {
        var port = FreePorts.One();
        var file = Path.Combine(_folder, "dapr.yaml");
        await File.WriteAllTextAsync(
            file,
            $"version: 1\napps:\n  - appDirPath: .\n    appID: quiet\n    appPort: {port}\n"
        );
        var spec = byFile ? RunFile.Load(file).Apps.Single() : TestSidecar.App("quiet", port);
        await using var server = await SidecarServer.StartAsync(
            [spec],
            new SidecarSettings(),
            CancellationToken.None
        );
        var clock = new ManualTimeProvider();
        using var log = new RecordingLogger();
        using var watch = SilentApps.Watch(server.Apps.All, clock, log);
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.That(log.Lines, Is.Empty);
        clock.Advance(TimeSpan.FromSeconds(1));
        var place = byFile ? $"{file}:5: " : "";
        Assert.That(
            log.Lines.Single(),
            Is.EqualTo($"quiet: {place}{field} is {port}, where the app should listen, and nobody does yet")
        );
    }

    [Test]
    public async Task Serve_LogAsJson_IsAnObjectALine()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "broken.yaml"),
            """
            kind: Component
            metadata: { name: broken }
            spec:
              type: state.redis
              ignoreErrors: true
              metadata: [{ name: redisHost, value: "127.0.0.1:1" }]
            """
        );
        await using var sidecar = Serve("--log-as-json", "--resources-path", _folder);
        await Eventually.ThatAsync(() => sidecar.Output.Contains("Sidecar of"), "the log");
        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
        var lines = sidecar
            .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .ToArray();
        Assert.That(lines.Select(line => line.ValueKind), Is.All.EqualTo(JsonValueKind.Object));
        string Text(JsonElement line, string name) => line.GetProperty(name).ToString();
        Assert.That(
            lines.Select(line => Text(line, "Timestamp")),
            Is.All.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        );
        var left = lines.Single(line => Text(line, "Message").Contains("is left out"));
        Assert.That(Text(left, "LogLevel"), Is.EqualTo("Warning"));
        Assert.That(Text(left.GetProperty("State"), "Component"), Is.EqualTo("broken"));
    }

    private static KillableProcess Serve(params string[] flags)
    {
        string[] ports = ["--dapr-http-port", "0", "--dapr-grpc-port", "0"];
        var sidecar = new KillableProcess(
            "dotnet",
            [SidecarProcess.Program, "serve", "--app-id", "start", .. ports, .. flags]
        );
        sidecar.Start();
        return sidecar;
    }
}
