using Grpc.Net.Client;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar;

/// <summary>Sidecars in this process, with components of their own on the real servers.</summary>
internal sealed class TestSidecar : IAsyncDisposable
{
    private readonly string? _folder;
    private readonly IReadOnlyList<AppSpec> _specs;
    private readonly SidecarSettings _settings;
    private readonly Dictionary<string, GrpcChannel> _channels = [];
    private SidecarServer? _server;
    private bool _stopped;

    private TestSidecar(
        string? folder,
        SidecarSettings settings,
        IReadOnlyList<AppSpec> specs,
        SidecarServer? server
    )
    {
        _folder = folder;
        _settings = settings;
        _specs = specs;
        _server = server;
    }

    internal static async Task<TestSidecar> StartAsync(string components, params AppSpec[] apps) =>
        await StartAsync(new SidecarSettings(), components, apps);

    internal static async Task<TestSidecar> StartAsync(
        SidecarSettings settings,
        string components,
        params AppSpec[] apps
    )
    {
        if (GivenSidecar.IsThere)
        {
            var given = await GivenSidecar.AsAsync(apps, settings, components);
            return new TestSidecar(null, settings, [given], null);
        }
        var folder = Directory.CreateTempSubdirectory("souk-sidecar-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "components.yaml"), components);
        // A restart must come back on the ports that callers know, and that nobody else gets meanwhile.
        var specs = apps.Select(app =>
                app with
                {
                    Directory = folder,
                    ResourcesPaths = [folder],
                    GrpcPort = app.GrpcPort > 0 ? app.GrpcPort : FreePorts.One(),
                    HttpPort = app.HttpPort > 0 ? app.HttpPort : FreePorts.One(),
                }
            )
            .ToArray();
        return new TestSidecar(folder, settings, specs, await StartAsync(specs, settings));
    }

    /// <summary>What a start with these components is refused with.</summary>
    internal static async Task<ConfigException> MistakeAsync(string components, params AppSpec[] apps)
    {
        try
        {
            await using var started = await StartAsync(components, apps);
        }
        catch (ConfigException e)
        {
            return e;
        }
        throw new AssertionException("The sidecar started but should not have.");
    }

    /// <summary>An app for <see cref="StartAsync(string, AppSpec[])"/>; port 0 for none.</summary>
    internal static AppSpec App(string id, int port = 0) =>
        new()
        {
            AppId = id,
            Directory = "",
            AppPort = port,
            Protocol = "grpc",
        };

    /// <summary>The app, when there is only one.</summary>
    internal string AppId => _specs.Single().AppId;

    internal AppSpec Spec(string appId) => _specs.Single(app => app.AppId == appId);

    internal GrpcChannel Channel(string appId)
    {
        if (!_channels.TryGetValue(appId, out var channel))
            _channels[appId] = channel = GrpcChannel.ForAddress($"http://127.0.0.1:{Spec(appId).GrpcPort}");
        return channel;
    }

    /// <summary>A caller of the app's HTTP port.</summary>
    internal HttpCaller Http(string appId) => new(Spec(appId).HttpPort);

    internal DaprApi.DaprClient Client(string appId) => new(Channel(appId));

    private static async Task<SidecarServer> StartAsync(
        IReadOnlyList<AppSpec> specs,
        SidecarSettings settings
    )
    {
        foreach (var spec in specs)
        {
            await Ports.UntilFreeAsync(spec.GrpcPort);
            await Ports.UntilFreeAsync(spec.HttpPort);
        }
        return await SidecarServer.StartAsync(specs, settings, CancellationToken.None);
    }

    /// <summary>Stops, and starts again with the same files and ports.</summary>
    internal async Task RestartAsync()
    {
        if (_server is null)
            throw GivenSidecar.Unfit("a sidecar that can be restarted");
        await StopAsync();
        _stopped = false;
        _server = await StartAsync(_specs, _settings);
    }

    /// <summary>Ends as a signal makes it end: what is under way has its time.</summary>
    internal async Task ShutDownAsync()
    {
        if (_server is null)
            throw GivenSidecar.Unfit("a sidecar that can be stopped");
        await _server.QuiesceAsync();
        await _server.FinishAsync();
        await StopAsync();
    }

    /// <summary>Cuts off what is under way.</summary>
    internal async Task StopAsync()
    {
        if (!_stopped && _server is not null)
            await _server.DisposeAsync();
        _stopped = true;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
        await StopAsync();
        if (_folder is not null)
            Directory.Delete(_folder, recursive: true);
    }
}
