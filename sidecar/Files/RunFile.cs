using Microsoft.Extensions.Logging;
using Souk.Sidecar.Processes;

namespace Souk.Sidecar.Files;

/// <summary>One app of a run: what to start and which sidecar stands beside it.</summary>
internal sealed record AppSpec
{
    public required string AppId { get; init; }

    /// <summary>The command's working directory, absolute.</summary>
    public required string Directory { get; init; }

    /// <summary>0 when the app listens on nothing.</summary>
    public int AppPort { get; init; }

    public string AppAddress { get; init; } = "127.0.0.1";
    public string Protocol { get; init; } = "http";

    /// <summary>Scheme, host and port of the app.</summary>
    public string Origin => $"{(Protocol is "https" or "grpcs" ? "https" : "http")}://{AppAddress}:{AppPort}";

    /// <summary>Calls that the app takes at once; -1 for any number.</summary>
    public int MaxConcurrency { get; init; } = -1;

    /// <summary>Null when the app's health is not asked for.</summary>
    public AppHealthCheck? HealthCheck { get; init; }

    /// <summary>Longest body of a request to the API, and longest message over gRPC.</summary>
    public int MaxBodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Configuration files, each one's resources as if they were written in one.</summary>
    public IReadOnlyList<string> ConfigFiles { get; init; } = [];

    /// <summary>Longest headers of a request to the API, all of them together.</summary>
    public int MaxHeaderBytes { get; init; } = 4 * 1024;

    /// <summary>Where sidecars of other processes call; 0 picks a free port.</summary>
    public int InternalPort { get; init; }

    /// <summary>0 picks a free port.</summary>
    public int HttpPort { get; init; }

    /// <summary>0 picks a free port.</summary>
    public int GrpcPort { get; init; }

    /// <summary>Empty for a sidecar without an app process.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);
    public IReadOnlyList<string> ResourcesPaths { get; init; } = [];

    /// <summary>0 serves metrics on the HTTP port only.</summary>
    public int MetricsPort { get; init; }

    /// <summary>Where the app's own output goes.</summary>
    public LogDestination AppLogs { get; init; } = LogDestination.FileAndConsole;

    /// <summary>The app's entry in the run file; null when the command line describes it.</summary>
    public YamlMap? Entry { get; init; }

    /// <summary>A complaint about a value, by the name under which the user gave it.</summary>
    public ConfigException Error(string member, string flag, string problem) =>
        Entry?.Error(member, problem) ?? new ConfigException($"{flag} {problem}");
}

/// <summary>
/// A multi-app run file, <c>dapr.yaml</c>. Members that the local runtime has no use for are ignored.
/// </summary>
internal sealed record RunFile(string Name, IReadOnlyList<AppSpec> Apps)
{
    /// <summary>Where all sidecars listen: one process has one set of addresses.</summary>
    public IReadOnlyList<string> ListenAddresses { get; init; } = ["127.0.0.1"];

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public static readonly IReadOnlyList<string> Protocols = ["http", "grpc", "https", "grpcs", "h2c"];

    private const int MaxBodyBytesDefault = 4 * 1024 * 1024;
    private const int MaxHeaderBytesDefault = 4 * 1024;

    public static RunFile Load(string file)
    {
        var path = Path.GetFullPath(file);
        if (!File.Exists(path))
            throw new ConfigException($"{file}: no such run file");
        if (YamlMap.LoadAll(path) is not [var root])
            throw new ConfigException($"{file}: exactly one YAML document is expected");
        if (root.Required("version") != "1")
            throw root.Error("version", "must be 1");

        var folder = Path.GetDirectoryName(path) ?? "/";
        var common = root.Map("common");
        var apps = root.Maps("apps").Select(app => ReadApp(app, common, folder)).ToArray();
        if (apps.Length == 0)
            throw root.Error("apps", "must name at least one app");
        RefuseDuplicates(apps);
        return new RunFile(root.Text("name") ?? Path.GetFileName(folder), apps)
        {
            ListenAddresses = common?.Text("apiListenAddresses")?.Split(',') ?? ["127.0.0.1"],
            LogLevel = common?.Text("logLevel") is { } level ? LevelOf(common, level) : LogLevel.Information,
        };
    }

    private static LogLevel LevelOf(YamlMap common, string level) =>
        DaprdFlags.TryLevel(level, out var value)
            ? value
            : throw common.Error("logLevel", $"must be debug, info, warn, error or fatal, not '{level}'");

    private static AppSpec ReadApp(YamlMap app, YamlMap? common, string folder)
    {
        var directory = RunPaths.Resolve(folder, app.Required("appDirPath"));
        if (!Directory.Exists(directory))
            throw app.Error("appDirPath", $"names a directory that does not exist: {directory}");
        var fields = new AppFields(app, common, directory, folder);
        return new AppSpec
        {
            AppId = app.Text("appID") ?? Path.GetFileName(directory.TrimEnd('/')),
            Directory = directory,
            AppPort = app.Whole("appPort", 0, ushort.MaxValue) ?? 0,
            AppAddress = app.Text("appChannelAddress") ?? "127.0.0.1",
            Protocol = ProtocolOf(app, common, fields),
            HttpPort = app.Whole("daprHTTPPort", 0, ushort.MaxValue) ?? 0,
            GrpcPort = app.Whole("daprGRPCPort", 0, ushort.MaxValue) ?? 0,
            InternalPort = app.Whole("daprInternalGRPCPort", 0, ushort.MaxValue) ?? 0,
            MetricsPort = app.Whole("metricsPort", 0, ushort.MaxValue) ?? 0,
            MaxConcurrency = fields.Whole("appMaxConcurrency", -1, int.MaxValue) ?? -1,
            MaxBodyBytes = fields.Size("maxBodySize") ?? MaxBodyBytesDefault,
            MaxHeaderBytes = fields.Size("readBufferSize") ?? MaxHeaderBytesDefault,
            HealthCheck = fields.HealthCheck(),
            ConfigFiles = fields.ConfigFiles(),
            Command = app.Texts("command"),
            Environment = MergedEnvironment(common, app),
            ResourcesPaths = ResourcesOf(app, common, directory, folder),
            AppLogs = fields.Destination("appLogDestination", LogDestination.FileAndConsole),
            Entry = app,
        };
    }

    // TLS is asked for by the protocol's name, or in the older way by a flag beside it.
    private static string ProtocolOf(YamlMap app, YamlMap? common, AppFields fields)
    {
        var protocol = Protocol(app) ?? (common is null ? null : Protocol(common)) ?? "http";
        return fields.Flag("appSSL") && (protocol is "http" or "grpc") ? protocol + "s" : protocol;
    }

    private static string? Protocol(YamlMap map)
    {
        var protocol = map.Text("appProtocol");
        return protocol is null || Protocols.Contains(protocol)
            ? protocol
            : throw map.Error(
                "appProtocol",
                $"must be one of {string.Join(", ", Protocols)}, not '{protocol}'"
            );
    }

    private static Dictionary<string, string> MergedEnvironment(YamlMap? common, YamlMap app)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var map in new[] { common?.Map("env"), app.Map("env") })
        {
            foreach (
                var (name, value) in map?.AsTexts() ?? new Dictionary<string, string>(StringComparer.Ordinal)
            )
                merged[name] = value;
        }
        return merged;
    }

    // The app's own paths win over its .dapr folder, which wins over the common paths, then the home
    // directory's.
    private static IReadOnlyList<string> ResourcesOf(
        YamlMap app,
        YamlMap? common,
        string directory,
        string folder
    )
    {
        var own = PathsOf(app, directory);
        if (own.Count > 0)
            return own;
        var beside = Path.Combine(directory, ".dapr", "resources");
        if (Directory.Exists(beside))
            return [beside];
        var shared = common is null ? [] : PathsOf(common, folder);
        if (shared.Count > 0)
            return shared;
        var home = RunPaths.Resolve(folder, "~/.dapr/components");
        return Directory.Exists(home) ? [home] : [];
    }

    private static List<string> PathsOf(YamlMap map, string folder)
    {
        var paths = map.Texts("resourcesPaths").ToList();
        if (map.Text("resourcesPath") is { } single)
            paths.Add(single);
        for (var i = 0; i < paths.Count; i++)
        {
            paths[i] = RunPaths.Resolve(folder, paths[i]);
            if (!Directory.Exists(paths[i]))
                throw map.Error("resourcesPaths", $"names a directory that does not exist: {paths[i]}");
        }
        return paths;
    }

    private static void RefuseDuplicates(AppSpec[] apps)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var ports = new Dictionary<int, string>();
        foreach (var app in apps)
        {
            if (!ids.Add(app.AppId))
                throw app.Error("appID", "--app-id", $"is '{app.AppId}', as another app's is");
            foreach (var (member, port) in PortsOf(app))
            {
                if (port != 0 && !ports.TryAdd(port, $"{member} of '{app.AppId}'"))
                    throw app.Error(member, member, $"is {port}, which is the {ports[port]}");
            }
        }
    }

    private static (string Member, int Port)[] PortsOf(AppSpec app) =>
        [
            ("appPort", app.AppPort),
            ("daprHTTPPort", app.HttpPort),
            ("daprGRPCPort", app.GrpcPort),
            ("daprInternalGRPCPort", app.InternalPort),
            ("metricsPort", app.MetricsPort),
        ];
}
