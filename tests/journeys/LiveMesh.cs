using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Identity;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;
using Souk.Tests.Scripts;

namespace Souk.Tests.Journeys;

/// <summary>
/// The whole mesh as it is run: every app of dapr.yaml a process from the build, the local Dapr runtime
/// beside them, and PostgreSQL and Redis of its own. Any of them can be killed and started again.
/// </summary>
internal sealed class LiveMesh : IAsyncDisposable
{
    internal const string Runtime = "sidecar";
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromMinutes(3);
    private static readonly string[] Roles = ["buyer", "seller", "operator", "admin"];

    private readonly BackendSet _backends;
    private readonly DirectoryInfo _home;
    private readonly Dictionary<string, MeshProcess> _processes = [];

    private LiveMesh(BackendSet backends, DirectoryInfo home, Uri gateway)
    {
        _backends = backends;
        _home = home;
        Rest = new Rest(gateway);
        Host = gateway.Authority;
        Books = new Books(backends.Postgres);
    }

    /// <summary>The gateway.</summary>
    internal Rest Rest { get; }

    /// <summary>The gateway's host and port.</summary>
    internal string Host { get; }

    /// <summary>The databases behind it.</summary>
    internal Books Books { get; }

    /// <summary>The password of every demo account.</summary>
    internal string Password { get; } = $"Souk-7{Guid.CreateVersion7():N}";

    private string Secret { get; } = $"{Guid.CreateVersion7():N}{Guid.CreateVersion7():N}";

    internal static string EmailOf(string role) => $"{role}@souk.example";

    /// <summary>Starts everything; returns when the gateway says that all are ready.</summary>
    internal static async Task<LiveMesh> StartAsync()
    {
        var backends = await BackendSet.StartAsync("journeys");
        var home = Directory.CreateTempSubdirectory("souk-mesh-");
        var specs = RunFile.Load(Path.Combine(Repository.Root, "dapr.yaml")).Apps;
        var ports = new Queue<int>(FreePorts.Many(specs.Count * 3));
        var apps = specs
            .Select(spec =>
                spec with
                {
                    AppPort = ports.Dequeue(),
                    GrpcPort = ports.Dequeue(),
                    HttpPort = ports.Dequeue(),
                }
            )
            .ToList();
        var gatewayPort = apps.Single(app => app.AppId == "gateway").AppPort;
        var mesh = new LiveMesh(backends, home, new Uri($"http://127.0.0.1:{gatewayPort}"));
        mesh.WriteAccounts();
        var environment = mesh.CommonEnvironment();
        mesh.Add(mesh.RuntimePlan(apps, environment));
        foreach (var app in apps)
            mesh.Add(AppPlan(app, environment));
        try
        {
            foreach (var process in mesh._processes.Values)
                process.Start();
            await mesh.ReadyAsync();
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL to an app, to the runtime, to "postgres" or to "redis".</summary>
    internal Task KillAsync(string victim) =>
        victim is "postgres" or "redis" ? _backends.KillAsync(victim) : _processes[victim].KillAsync();

    /// <summary>Brings back what was killed, which may take its time to be ready.</summary>
    internal Task StartAsync(string victim)
    {
        if (victim is "postgres" or "redis")
            return _backends.StartAsync();
        _processes[victim].Start();
        return Task.CompletedTask;
    }

    /// <summary>Brings back what was killed; returns when the mesh is ready again.</summary>
    internal async Task RestartAsync(string victim)
    {
        await StartAsync(victim);
        await ReadyAsync();
    }

    /// <summary>Waits until every app says that it is ready.</summary>
    internal Task ReadyAsync() =>
        ReadyAsync(dead =>
            throw new InvalidOperationException($"{dead.Name} ended by itself:\n{Tail(dead)}")
        );

    /// <summary>
    /// As <see cref="ReadyAsync()"/>, and starts again what ended by itself, as the runtime does: an app
    /// that starts while its database is away gives up.
    /// </summary>
    internal Task ReviveAsync() => ReadyAsync(dead => dead.Start());

    private async Task ReadyAsync(Action<MeshProcess> found)
    {
        using var limit = new CancellationTokenSource(ReadyTimeout);
        while (!await Rest.IsReadyAsync())
        {
            if (limit.IsCancellationRequested)
                throw new TimeoutException($"The mesh is not ready.\n{LastLines()}");
            foreach (var dead in _processes.Values.Where(process => !process.IsRunning))
                found(dead);
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>A token as identity would have issued it, whose time was over an hour ago.</summary>
    internal async Task<string> ExpiredTokenAsync(string userId)
    {
        var db = new Db(Books.Of("identity"), TimeProvider.System, NullLogger<Db>.Instance);
        var settings = new ServiceSettings { AppId = "identity", MeshSecret = Secret };
        using var keys = new SigningKeys(db, settings, TimeProvider.System);
        var past = new ManualTimeProvider(TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(2));
        return await new TokenIssuer(keys, past).IssueAsync(
            userId,
            RoleSet.Of(Role.Buyer),
            TimeSpan.FromHours(1),
            CancellationToken.None
        );
    }

    /// <summary>The end of every log, for the report of a failure.</summary>
    internal string LastLines() => string.Join('\n', _processes.Values.Select(Tail));

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Values)
        {
            await process.KillAsync();
            process.Dispose();
        }
        Rest.Dispose();
        await Books.DisposeAsync();
        await _backends.DisposeAsync();
        _home.Delete(recursive: true);
    }

    private void Add(ProcessPlan plan) =>
        _processes.Add(plan.Name, new MeshProcess(plan, PathOf($"{plan.Name}.log")));

    private string PathOf(string file) => Path.Combine(_home.FullName, file);

    private static string Tail(MeshProcess process)
    {
        const int lines = 15;
        var log = process.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return $"--- {process.Name}\n{string.Join('\n', log.TakeLast(lines))}";
    }

    private void WriteAccounts()
    {
        var accounts = Roles.ToDictionary(
            role => role,
            role => new Dictionary<string, string> { ["email"] = EmailOf(role), ["password"] = Password }
        );
        File.WriteAllText(PathOf("accounts.json"), JsonSerializer.Serialize(accounts));
    }

    private Dictionary<string, string> CommonEnvironment()
    {
        var postgres = _backends.Postgres.ToString().TrimEnd('/');
        return new Dictionary<string, string>
        {
            ["SOUK_POSTGRES"] = postgres,
            ["SOUK_REDIS"] = _backends.Redis,
            ["SOUK_CATALOGSTORE"] = $"{postgres}/souk_catalogstore",
            ["SOUK_WORKFLOWSTORE"] = $"{postgres}/souk_workflowstore",
            ["SOUK_MESH_SECRET"] = Secret,
            ["SOUK_SEED_ACCOUNTS"] = PathOf("accounts.json"),
            ["SOUK_LOG_LEVEL"] = "Warning",
        };
    }

    private ProcessPlan RuntimePlan(IEnumerable<AppSpec> apps, Dictionary<string, string> environment)
    {
        var file = new StringBuilder("version: 1\napps:\n");
        foreach (var app in apps)
        {
            file.Append(
                CultureInfo.InvariantCulture,
                $"""
                  - appID: {app.AppId}
                    appDirPath: {app.Directory}
                    appPort: {app.AppPort}
                    appProtocol: {app.Protocol}
                    daprGRPCPort: {app.GrpcPort}
                    daprHTTPPort: {app.HttpPort}
                    resourcesPaths: [{Path.Combine(Repository.Root, "components")}]

                """
            );
        }
        File.WriteAllText(PathOf("dapr.yaml"), file.ToString());
        string[] command =
        [
            "dotnet",
            Path.Combine(Repository.Root, "artifacts", "bin", "Sidecar", Configuration, "sidecar.dll"),
            "run",
            "--no-apps",
            "-f",
            PathOf("dapr.yaml"),
        ];
        return new ProcessPlan(Runtime, command, Repository.Root, environment);
    }

    private static ProcessPlan AppPlan(AppSpec app, Dictionary<string, string> common)
    {
        var environment = new Dictionary<string, string>(common);
        foreach (var (name, value) in app.Environment)
            environment[name] = value;
        environment["APP_ID"] = app.AppId;
        environment["APP_PORT"] = app.AppPort.ToString(CultureInfo.InvariantCulture);
        environment["DAPR_GRPC_PORT"] = app.GrpcPort.ToString(CultureInfo.InvariantCulture);
        environment["DAPR_HTTP_PORT"] = app.HttpPort.ToString(CultureInfo.InvariantCulture);
        var command = app.Command.Select(part =>
            part.Replace("/release/", $"/{Configuration}/", StringComparison.Ordinal)
        );
        return new ProcessPlan(app.AppId, [.. command], app.Directory, environment);
    }

    // The mesh that was built together with the tests.
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Name;
}
