using System.CommandLine;
using System.Globalization;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary>
/// <c>sidecar serve</c>: one sidecar, told what daprd is told, by the names daprd has for it. As there, a
/// flag that is given twice counts as given last, and one dash is as good as two.
/// </summary>
internal static class ServeCommand
{
    private static readonly Option<string[]> AppId = Text("--app-id", "Name of the app; required");
    private static readonly Option<string[]> AppPort = Text(
        "--app-port",
        "Where the app listens; 0 for nowhere"
    );
    private static readonly Option<string[]> AppProtocol = Text(
        "--app-protocol",
        "http (default), grpc, https, grpcs or h2c"
    );
    private static readonly Option<string[]> AppAddress = Text("--app-channel-address", "The app's host");
    private static readonly Option<string[]> AppMaxConcurrency = Text(
        "--app-max-concurrency",
        "Calls the app takes at once; -1 for any number"
    );
    private static readonly Option<bool> HealthEnabled = new("--enable-app-health-check")
    {
        Description = "Ask the app how it is, and leave it alone while it is ill",
    };
    private static readonly Option<string[]> HealthPath = Text(
        "--app-health-check-path",
        "Path of an HTTP app's check; /healthz"
    );
    private static readonly Option<string[]> HealthInterval = Text(
        "--app-health-probe-interval",
        "Seconds; 5"
    );
    private static readonly Option<string[]> HealthTimeout = Text(
        "--app-health-probe-timeout",
        "Milliseconds; 500"
    );
    private static readonly Option<string[]> HealthThreshold = Text(
        "--app-health-threshold",
        "Failures in a row; 3"
    );
    private static readonly Option<string[]> HttpPort = Text(
        "--dapr-http-port",
        "Port of the HTTP API; 3500"
    );
    private static readonly Option<string[]> GrpcPort = Text(
        "--dapr-grpc-port",
        "Port of the gRPC API; 50001"
    );
    private static readonly Option<string[]> InternalPort = Text(
        "--dapr-internal-grpc-port",
        "For other sidecars of this machine; free one"
    );
    private static readonly Option<string[]> MetricsPort = Text(
        "--metrics-port",
        "For Prometheus; without it metrics are on the HTTP port only"
    );
    private static readonly Option<string[]> ListenAddresses = Text(
        "--dapr-listen-addresses",
        "Separated by commas; 127.0.0.1"
    );
    private static readonly Option<string[]> AllowedOrigins = Text(
        "--allowed-origins",
        "Origins of web pages that may call the HTTP API, separated by commas"
    );
    private static readonly Option<string[]> MaxBodySize = Text(
        "--max-body-size",
        "As 4Mi (default) or 512Ki"
    );
    private static readonly Option<string[]> MaxRequestSize = Text(
        "--dapr-http-max-request-size",
        "The same in mebibytes"
    );
    private static readonly Option<string[]> ReadBufferSize = Text(
        "--read-buffer-size",
        "Longest headers, as 4Ki (default)"
    );
    private static readonly Option<string[]> HttpReadBufferSize = Text(
        "--dapr-http-read-buffer-size",
        "The same in kibibytes"
    );
    private static readonly Option<string[]> Resources = new("--resources-path", "--components-path")
    {
        Description = "Folder of YAML files; repeatable",
    };
    private static readonly Option<string[]> Config = Text("--config", "Configuration file; repeatable");
    private static readonly Option<string[]> GracefulSeconds = Text(
        "--dapr-graceful-shutdown-seconds",
        "Time for calls under way; 5"
    );
    private static readonly Option<string[]> BlockDuration = Text(
        "--dapr-block-shutdown-duration",
        "Stay so long first, as 30s, or until the app says it is ill"
    );
    private static readonly Option<string[]> LogLevel = Text(
        "--log-level",
        "debug, info, warn, error, fatal"
    );
    private static readonly Option<bool> LogAsJson = new("--log-as-json")
    {
        Description = "Log one JSON object a line",
    };
    private static readonly Option<string> PidDirectory = new("--pid-dir")
    {
        Description = "Where to write sidecar.pid",
    };

    public static Command Create()
    {
        var command = new Command(
            "serve",
            "Host the sidecar of one app that somebody else starts. The flags are daprd's; those about a "
                + "cluster, profiling and API logging are accepted and do nothing."
        )
        {
            AppId,
            AppPort,
            AppProtocol,
            AppAddress,
            AppMaxConcurrency,
            HealthEnabled,
            HealthPath,
            HealthInterval,
            HealthTimeout,
            HealthThreshold,
            HttpPort,
            GrpcPort,
            InternalPort,
            MetricsPort,
            ListenAddresses,
            AllowedOrigins,
            MaxBodySize,
            MaxRequestSize,
            ReadBufferSize,
            HttpReadBufferSize,
            Resources,
            Config,
            GracefulSeconds,
            BlockDuration,
            LogLevel,
            LogAsJson,
            PidDirectory,
        };
        foreach (var name in DaprdFlags.WithoutEffect)
            command.Options.Add(new Option<string[]>(name) { Hidden = true });
        foreach (var name in DaprdFlags.SwitchesWithoutEffect)
            command.Options.Add(new Option<bool>(name) { Hidden = true });
        command.SetAction((parsed, _) => ServeAsync(parsed));
        return command;
    }

    private static Task<int> ServeAsync(ParseResult parsed)
    {
        var settings = SidecarSettings.FromEnvironment() with
        {
            ListenAddresses = Last(parsed, ListenAddresses)?.Split(',') ?? ["127.0.0.1"],
            AllowedOrigins = OriginsOf(Last(parsed, AllowedOrigins)),
            DrainTimeout = TimeSpan.FromSeconds(Whole(parsed, GracefulSeconds, 0, 3600) ?? 5),
            BlockShutdown = Duration(parsed, BlockDuration) ?? TimeSpan.Zero,
        };
        Logs.AsJson = parsed.GetValue(LogAsJson);
        Logs.Level = DaprdFlags.LevelOf(Last(parsed, LogLevel) ?? "info");
        var options = new MeshRunOptions([AppOf(parsed)])
        {
            PidDirectory = parsed.GetValue(PidDirectory),
            Settings = settings,
        };
        return MeshRun.RunAsync(options);
    }

    private static AppSpec AppOf(ParseResult parsed)
    {
        var protocol = Last(parsed, AppProtocol) ?? "http";
        return new AppSpec
        {
            AppId = Last(parsed, AppId) is { Length: > 0 } id
                ? id
                : throw new ConfigException("--app-id is required"),
            Directory = Directory.GetCurrentDirectory(),
            AppPort = Port(parsed, AppPort) ?? 0,
            AppAddress = Last(parsed, AppAddress) ?? "127.0.0.1",
            Protocol = RunFile.Protocols.Contains(protocol)
                ? protocol
                : throw Wrong(AppProtocol, $"one of {string.Join(", ", RunFile.Protocols)}", protocol),
            MaxConcurrency = Whole(parsed, AppMaxConcurrency, -1, int.MaxValue) ?? -1,
            HealthCheck = parsed.GetValue(HealthEnabled) ? HealthCheckOf(parsed) : null,
            GrpcPort = Port(parsed, GrpcPort) ?? 50001,
            HttpPort = Port(parsed, HttpPort) ?? 3500,
            MetricsPort = Port(parsed, MetricsPort) ?? 0,
            InternalPort = Port(parsed, InternalPort) ?? 0,
            MaxBodyBytes = Size(parsed, MaxBodySize, MaxRequestSize, 1024 * 1024) ?? 4 * 1024 * 1024,
            MaxHeaderBytes = Size(parsed, ReadBufferSize, HttpReadBufferSize, 1024) ?? 4 * 1024,
            ConfigFiles = [.. (parsed.GetValue(Config) ?? []).Select(Path.GetFullPath)],
            ResourcesPaths = [.. (parsed.GetValue(Resources) ?? []).Select(Path.GetFullPath)],
        };
    }

    private static AppHealthCheck HealthCheckOf(ParseResult parsed) =>
        new()
        {
            Path = Last(parsed, HealthPath) ?? "/healthz",
            Interval = TimeSpan.FromSeconds(Whole(parsed, HealthInterval, 1, 3600) ?? 5),
            Timeout = TimeSpan.FromMilliseconds(Whole(parsed, HealthTimeout, 1, 3_600_000) ?? 500),
            Threshold = Whole(parsed, HealthThreshold, 1, int.MaxValue) ?? 3,
        };

    // As at daprd, the asterisk leaves the matter alone: no answer has the headers that browsers ask for.
    private static string[] OriginsOf(string? text) =>
        text is null or "*"
            ? []
            : text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Option<string[]> Text(string name, string description) =>
        new(name) { Description = description };

    private static string? Last(ParseResult parsed, Option<string[]> option) =>
        parsed.GetValue(option) is [.., { Length: > 0 } last] ? last : null;

    private static int? Port(ParseResult parsed, Option<string[]> option) =>
        Whole(parsed, option, 0, ushort.MaxValue);

    private static int? Whole(ParseResult parsed, Option<string[]> option, int min, int max)
    {
        if (Last(parsed, option) is not { } text)
            return null;
        return
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= min
            && number <= max
            ? number
            : throw Wrong(option, $"a whole number from {min} to {max}", text);
    }

    private static TimeSpan? Duration(ParseResult parsed, Option<string[]> option)
    {
        if (Last(parsed, option) is not { } text)
            return null;
        return
            GoValues.TryDuration(text, TimeSpan.FromSeconds(1), out var duration) && duration >= TimeSpan.Zero
            ? duration
            : throw Wrong(option, "a duration such as 30s", text);
    }

    // Newer flags take "4Mi", the older ones of the same meaning a number of units.
    private static int? Size(ParseResult parsed, Option<string[]> newer, Option<string[]> older, int unit)
    {
        if (Last(parsed, newer) is { } text)
            return DaprdFlags.TryBytes(text, out var bytes)
                ? bytes
                : throw Wrong(newer, "a size such as 4Mi", text);
        return Whole(parsed, older, 1, int.MaxValue / unit) * unit;
    }

    private static ConfigException Wrong(Option<string[]> option, string wanted, string text) =>
        new($"{option.Name} must be {wanted}, not '{text}'");
}
