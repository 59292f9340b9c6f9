using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Souk.Bench.Sidecar;

/// <summary>One process of the local runtime, started with files of its own in a temporary folder.</summary>
internal sealed class SidecarUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private SidecarUnderTest(DirectoryInfo folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMiB => MeshMemory.ResidentMiB(_process.Id);

    /// <summary>CPU time that the process has used.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts the sidecars of the run file's apps and returns when all answer.</summary>
    public static async Task<SidecarUnderTest> StartAsync(
        IReadOnlyList<BenchedApp> apps,
        string components,
        CancellationToken cancellation
    )
    {
        var folder = Directory.CreateTempSubdirectory("souk-bench-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "dapr.yaml"), RunFile(apps), cancellation);
        var resources = folder.CreateSubdirectory("resources").FullName;
        await File.WriteAllTextAsync(Path.Combine(resources, "components.yaml"), components, cancellation);
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "sidecar.dll"),
                "run",
                "-f",
                Path.Combine(folder.FullName, "dapr.yaml"),
            },
            // What it has to say is on its error stream; a log line a call is not part of the measurement.
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        start.Environment["SOUK_LOG_LEVEL"] = "Warning";
        var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        var sidecar = new SidecarUnderTest(folder, process);
        foreach (var app in apps)
        {
            await UntilReadyAsync(app.HttpPort, cancellation);
        }

        return sidecar;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task UntilReadyAsync(int httpPort, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(StartPatience);
        while (!await IsReadyAsync(http, httpPort, patience.Token))
        {
            await Task.Delay(100, patience.Token);
        }
    }

    private static async Task<bool> IsReadyAsync(
        HttpClient http,
        int httpPort,
        CancellationToken cancellation
    )
    {
        try
        {
            using var answer = await http.GetAsync(
                new Uri($"http://127.0.0.1:{httpPort}/v1.0/healthz"),
                cancellation
            );
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
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
    public int GrpcPort { get; } = SidecarUnderTest.FreePort();

    public int HttpPort { get; } = SidecarUnderTest.FreePort();
}
