using System.Diagnostics;
using Grpc.Net.Client;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>The runtime as a program of its own, `sidecar serve`, that can be killed and started
/// again.</summary>
internal sealed class SidecarProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _resources = Directory.CreateTempSubdirectory("souk-workflow-");
    private readonly int _grpcPort = FreePorts.One();
    private readonly int _httpPort = FreePorts.One();
    private readonly string _appId;
    private Process? _process;

    private SidecarProcess(string appId, string connectionString)
    {
        _appId = appId;
        File.WriteAllText(
            Path.Combine(_resources.FullName, "workflowstore.yaml"),
            Component(connectionString)
        );
    }

    public string Address => $"http://127.0.0.1:{_grpcPort}";

    public static async Task<SidecarProcess> StartAsync(string appId, string connectionString)
    {
        var sidecar = new SidecarProcess(appId, connectionString);
        await sidecar.StartAsync();
        return sidecar;
    }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "sidecar.dll"),
                "serve",
                "--app-id",
                _appId,
                "--dapr-grpc-port",
                $"{_grpcPort}",
                "--dapr-http-port",
                $"{_httpPort}",
                "--resources-path",
                _resources.FullName,
            },
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, line) => TestContext.Out.WriteLine(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var channel = GrpcChannel.ForAddress(Address);
        var client = new Dapr.DurableTask.Protobuf.TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        await client.HelloAsync(
            new(),
            new Grpc.Core.CallOptions(
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(2)
            ).WithWaitForReady()
        );
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _resources.Delete(recursive: true);
    }

    private static string Component(string connectionString) =>
        $"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: workflowstore
            spec:
              type: state.postgresql
              version: v2
              metadata:
                - name: connectionString
                  value: "{connectionString}"
                - name: actorStateStore
                  value: "true"
            """;
}
