using Dapr.DurableTask.Protobuf;
using Souk.Tests.Harness;
using Souk.Tests.Scripts;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar.Faults;

/// <summary>What of the mesh can be killed.</summary>
internal enum Part
{
    Postgres,
    Redis,
    Sidecar,
    App,
}

/// <summary>An app, its sidecar and both servers, each a process that can be killed and started
/// again.</summary>
internal sealed class FaultedMesh : IAsyncDisposable
{
    private const string AppId = "faulty";

    private readonly BackendSet _backends;
    private readonly SidecarProcess _sidecar;
    private readonly KillableProcess _app;
    private readonly DirectoryInfo _folder;

    private FaultedMesh(BackendSet backends, SidecarProcess sidecar, int appPort)
    {
        _backends = backends;
        _sidecar = sidecar;
        _folder = Directory.CreateTempSubdirectory("souk-faults-");
        _app = new KillableProcess(
            "dotnet",
            Path.Combine(AppContext.BaseDirectory, "Tests.dll"),
            $"{appPort}",
            $"{sidecar.GrpcPort}",
            JournalPath
        );
    }

    internal Journal Journal => Journal.Read(JournalPath);

    internal DaprApi.DaprClient Dapr => _sidecar.Client;

    internal TaskHubSidecarService.TaskHubSidecarServiceClient Workflows => new(_sidecar.Channel);

    private string JournalPath => Path.Combine(_folder.FullName, "journal");

    internal static async Task<FaultedMesh> StartAsync()
    {
        var backends = await BackendSet.StartAsync("faults");
        var pubSub = Yaml.Component(
            FaultApp.PubSub,
            "pubsub.redis",
            "v1",
            Yaml.Item("redisHost", backends.Redis)
        );
        var store = Yaml.PostgresState(
            $"{backends.Postgres.ToString().TrimEnd('/')}/souk_workflowstore",
            "workflows",
            Yaml.Item("actorStateStore", "true")
        );
        var appPort = FreePorts.One();
        var sidecar = await SidecarProcess.StartAsync(pubSub + store + Yaml.Retries(-1), AppId, appPort);
        var mesh = new FaultedMesh(backends, sidecar, appPort);
        mesh._app.Start();
        await Ports.UntilOpenAsync(appPort);
        return mesh;
    }

    /// <summary>Kills all at once and starts them again, servers first.</summary>
    internal async Task KillAsync(IReadOnlyCollection<Part> parts)
    {
        await Task.WhenAll(parts.Select(KillAsync));
        if (parts.Any(part => part is Part.Postgres or Part.Redis))
            await _backends.StartAsync();
        if (parts.Contains(Part.Sidecar))
            await _sidecar.StartAsync();
        if (parts.Contains(Part.App))
            _app.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _sidecar.DisposeAsync();
        await _backends.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Task KillAsync(Part part) =>
        part switch
        {
            Part.Postgres => _backends.KillAsync("postgres"),
            Part.Redis => _backends.KillAsync("redis"),
            Part.Sidecar => _sidecar.KillAsync(),
            _ => _app.KillAsync(),
        };
}
