using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary><c>sidecar serve</c> as a process: daprd's flags, and how a wrong one is told.</summary>
internal sealed class ServeTests
{
    private static readonly HttpClient Http = new();

    [Test]
    public async Task Serve_DaprdFlags_StartTheSidecarAndTheLastOfARepeatedOneCounts()
    {
        var port = FreePorts.One();
        var folder = Directory.CreateTempSubdirectory("souk-serve-").FullName;
        await using var sidecar = Serve(
            "-app-id",
            "first",
            "--app-id=flags",
            "--app-port",
            "0",
            "--dapr-http-port",
            $"{port}",
            "--dapr-grpc-port",
            "0",
            "--resources-path",
            folder,
            "--components-path",
            folder,
            "--enable-app-health-check",
            // Switches of daprd take no value, but one behind an equals sign.
            "--enable-profiling",
            "--enable-api-logging=false",
            "--app-max-concurrency",
            "7",
            "--dapr-http-max-request-size",
            "8",
            "--dapr-listen-addresses",
            "127.0.0.1",
            "--placement-host-address",
            "localhost:50005",
            "--mode",
            "standalone",
            "--log-level",
            "warn"
        );
        await Ports.UntilOpenAsync(port);
        var metadata = await Http.GetStringAsync($"http://127.0.0.1:{port}/v1.0/metadata");
        Assert.That(metadata, Does.Contain("\"id\":\"flags\"").And.Contain("\"maxConcurrency\":7"));
        using var shutdown = await Http.PostAsync($"http://127.0.0.1:{port}/v1.0/shutdown", null);
        Assert.That((int)shutdown.StatusCode, Is.EqualTo(204));
        Assert.That(await sidecar.ExitAsync(), Is.Zero);
        Directory.Delete(folder, recursive: true);
    }

    [TestCase("--no-such-flag 1", "no-such-flag")]
    [TestCase("--app-port x", "--app-port must be a whole number from 0 to 65535, not 'x'")]
    [TestCase("--app-protocol smtp", "--app-protocol must be one of http, grpc, https, grpcs, h2c")]
    [TestCase("--max-body-size many", "--max-body-size must be a size such as 4Mi, not 'many'")]
    [TestCase(
        "--dapr-block-shutdown-duration soon",
        "--dapr-block-shutdown-duration must be a duration such as 30s, not 'soon'"
    )]
    [TestCase("--log-level loud", "--log-level must be debug, info, warn, error or fatal, not 'loud'")]
    [TestCase("--resources-path /no/such/folder", "/no/such/folder: no such resources folder")]
    public async Task Serve_WrongFlag_ExitsWithOneLineThatNamesIt(string flags, string message)
    {
        await using var sidecar = Serve(["--app-id", "wrong", .. flags.Split(' ')]);
        await sidecar.AssertRefusesAsync("sidecar: ", message);
    }

    private static KillableProcess Serve(params string[] flags)
    {
        var sidecar = new KillableProcess("dotnet", [SidecarProcess.Program, "serve", .. flags]);
        sidecar.Start();
        return sidecar;
    }
}
