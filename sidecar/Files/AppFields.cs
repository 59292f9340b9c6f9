using Souk.Sidecar.Processes;

namespace Souk.Sidecar.Files;

/// <summary>Where a log goes.</summary>
[Flags]
internal enum LogDestination
{
    Console = 1,
    File = 2,
    FileAndConsole = Console | File,
}

/// <summary>
/// The members that a run file may give for one app or for all: the app's own value wins. Relative paths
/// belong to whoever wrote them.
/// </summary>
internal sealed class AppFields(YamlMap app, YamlMap? common, string appFolder, string runFolder)
{
    public string? Text(string name) => app.Text(name) ?? common?.Text(name);

    public bool Flag(string name) => app.Flag(name) ?? common?.Flag(name) ?? false;

    public int? Whole(string name, int min, int max) =>
        app.Whole(name, min, max) ?? common?.Whole(name, min, max);

    /// <summary>A number of bytes such as 4Mi, 512Ki or 16M.</summary>
    public int? Size(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return DaprdFlags.TryBytes(text, out var bytes)
            ? bytes
            : throw Holder(name).Error(name, $"must be a size such as 4Mi or 512Ki, not '{text}'");
    }

    public LogDestination Destination(string name, LogDestination otherwise) =>
        Text(name) switch
        {
            null => otherwise,
            "console" => LogDestination.Console,
            "file" => LogDestination.File,
            "fileAndConsole" => LogDestination.FileAndConsole,
            var other => throw Holder(name)
                .Error(name, $"must be file, console or fileAndConsole, not '{other}'"),
        };

    public AppHealthCheck? HealthCheck()
    {
        if (!Flag("enableAppHealthCheck"))
            return null;
        var standard = new AppHealthCheck();
        return new AppHealthCheck
        {
            Path = Text("appHealthCheckPath") ?? standard.Path,
            Interval = Whole("appHealthProbeInterval", 1, 3_600) is { } seconds
                ? TimeSpan.FromSeconds(seconds)
                : standard.Interval,
            Timeout = Whole("appHealthProbeTimeout", 1, 3_600_000) is { } milliseconds
                ? TimeSpan.FromMilliseconds(milliseconds)
                : standard.Timeout,
            Threshold = Whole("appHealthThreshold", 1, 1_000) ?? standard.Threshold,
        };
    }

    /// <summary>The app's own file, the one in its .dapr folder, the common one, the home directory's; the
    /// first that there is.</summary>
    public IReadOnlyList<string> ConfigFiles()
    {
        if (FileOf(app, appFolder) is { } own)
            return [own];
        var beside = Path.Combine(appFolder, ".dapr", "config.yaml");
        if (File.Exists(beside))
            return [beside];
        if (common is not null && FileOf(common, runFolder) is { } shared)
            return [shared];
        var home = RunPaths.Resolve(runFolder, "~/.dapr/config.yaml");
        return File.Exists(home) ? [home] : [];
    }

    private static string? FileOf(YamlMap map, string folder)
    {
        if (map.Text("configFilePath") is not { } path)
            return null;
        var file = RunPaths.Resolve(folder, path);
        return File.Exists(file)
            ? file
            : throw map.Error("configFilePath", $"names a file that does not exist: {file}");
    }

    private YamlMap Holder(string name) => common is null || app.Has(name) ? app : common;
}
