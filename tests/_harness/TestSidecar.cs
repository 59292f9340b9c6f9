using Microsoft.Extensions.Logging.Abstractions;
using Souk.Shared;
using Souk.Sidecar;
using Souk.Sidecar.Files;

namespace Souk.Tests.Harness;

/// <summary>Where an app and its sidecar listen.</summary>
internal sealed record SidecarPorts(int App, int Grpc, int Http);

/// <summary>
/// The real sidecars of a test's apps, on free ports, with the repository's own components. Only what would
/// let tests meet each other is replaced: events stay in memory, state and workflow history go to a fresh
/// database.
/// </summary>
internal sealed class TestSidecar : IAsyncDisposable
{
    private readonly SidecarServer _server;
    private readonly TestDatabase _database;
    private readonly DirectoryInfo _components;

    private TestSidecar(
        SidecarServer server,
        TestDatabase database,
        DirectoryInfo components,
        IReadOnlyDictionary<string, SidecarPorts> ports
    )
    {
        _server = server;
        _database = database;
        _components = components;
        Ports = ports;
    }

    internal IReadOnlyDictionary<string, SidecarPorts> Ports { get; }

    /// <summary>Starts the sidecars; their apps may come later.</summary>
    internal static async Task<TestSidecar> StartAsync(params string[] appIds)
    {
        var database = TestDatabase.Named("sidecar");
        var migrator = new Migrator(database.Settings, TimeProvider.System, NullLogger<Migrator>.Instance);
        await migrator.RunAsync([], CancellationToken.None);
        var components = WriteComponents(database.Settings.ConnectionString());
        var free = FreePorts.Many(appIds.Length * 3);
        var ports = appIds
            .Select(
                (appId, i) => (appId, ports: new SidecarPorts(free[3 * i], free[3 * i + 1], free[3 * i + 2]))
            )
            .ToDictionary(app => app.appId, app => app.ports);
        var specs = ports.Select(app => new AppSpec
        {
            AppId = app.Key,
            Directory = components.FullName,
            AppPort = app.Value.App,
            GrpcPort = app.Value.Grpc,
            HttpPort = app.Value.Http,
            Protocol = "grpc",
            ResourcesPaths = [components.FullName],
        });
        var server = await SidecarServer.StartAsync(
            [.. specs],
            new SidecarSettings(),
            CancellationToken.None
        );
        return new TestSidecar(server, database, components, ports);
    }

    /// <summary>
    /// Waits until an app's subscriptions are live: events stay in memory here, and what nobody listens to
    /// yet is gone.
    /// </summary>
    internal Task UntilReadyAsync(string appId)
    {
        var app = _server.Apps.All.Single(app => app.AppId == appId);
        return Eventually.ThatAsync(() => app.IsReady, $"{appId} to be ready");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _database.DisposeAsync();
        _components.Delete(recursive: true);
    }

    private static DirectoryInfo WriteComponents(string database)
    {
        var target = Directory.CreateTempSubdirectory("souk-components-");
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "components"), "*.yaml"))
        {
            var text = File.ReadAllText(file)
                .Replace("envRef: SOUK_REDIS", $"value: {Backends.Redis}", StringComparison.Ordinal)
                .Replace("envRef: SOUK_CATALOGSTORE", $"value: \"{database}\"", StringComparison.Ordinal)
                .Replace("envRef: SOUK_WORKFLOWSTORE", $"value: \"{database}\"", StringComparison.Ordinal);
            if (Path.GetFileName(file) == "pubsub.yaml")
                text = InMemoryPubSub;
            File.WriteAllText(Path.Combine(target.FullName, Path.GetFileName(file)), text);
        }
        return target;
    }

    private const string InMemoryPubSub = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: pubsub
        spec:
          type: pubsub.in-memory
          version: v1
          metadata: []
        """;

    // All listeners are open at the same time, so no port is given twice.
}
