using System.Globalization;

namespace Souk.Bench.Sidecar;

/// <summary>One process of the local runtime, started with files of its own in a temporary folder.</summary>
internal sealed class SidecarUnderTest : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly ChildProcess _process;

    private SidecarUnderTest(DirectoryInfo folder, ChildProcess process) =>
        (_folder, _process) = (folder, process);

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMiB => _process.ResidentMiB;

    /// <summary>Starts the sidecars of the apps and returns when all answer.</summary>
    public static async Task<SidecarUnderTest> StartAsync(
        IReadOnlyList<BenchedApp> apps,
        string components,
        CancellationToken cancellation
    )
    {
        var folder = Directory.CreateTempSubdirectory("souk-bench-");
        var runFile = Path.Combine(folder.FullName, "dapr.yaml");
        await File.WriteAllTextAsync(runFile, RunFile(apps), cancellation);
        var resources = folder.CreateSubdirectory("resources").FullName;
        await File.WriteAllTextAsync(Path.Combine(resources, "components.yaml"), components, cancellation);
        var environment = new Dictionary<string, string>
        {
            // A log line for each call is not part of the measurement.
            ["SOUK_LOG_LEVEL"] = "Warning",
        };
        // What goes wrong is on its error stream.
        var process = ChildProcess.Start(
            "sidecar.dll",
            ["run", "-f", runFile],
            environment,
            dropsOutput: true
        );
        var sidecar = new SidecarUnderTest(folder, process);
        try
        {
            foreach (var app in apps)
                await process.UntilHealthyAsync(app.Health, cancellation);
            return sidecar;
        }
        catch
        {
            await sidecar.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static string RunFile(IReadOnlyList<BenchedApp> apps) =>
        "version: 1\ncommon:\n  resourcesPaths: [resources]\napps:\n"
        + string.Concat(
            apps.Select(app =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"""
                      - appID: {app.Id}
                        appDirPath: .
                        appProtocol: grpc
                        appPort: {app.Port}
                        daprGRPCPort: {app.GrpcPort}
                        daprHTTPPort: {app.HttpPort}

                    """
                )
            )
        );
}

/// <summary>An app of the run file; port 0 when nobody listens.</summary>
internal sealed record BenchedApp(string Id, int Port)
{
    public int GrpcPort { get; } = FreePorts.One();

    public int HttpPort { get; } = FreePorts.One();

    public Uri Health => new($"http://127.0.0.1:{HttpPort}/v1.0/healthz");
}
