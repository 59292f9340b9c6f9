using System.CommandLine;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary><c>sidecar run</c>: the sidecars of all apps of a run file, and the apps.</summary>
internal static class RunCommand
{
    private static readonly Option<string> Only = new("--only")
    {
        Description = "App ids, separated by commas; the others are left out",
    };
    private static readonly Option<bool> NoApps = new("--no-apps")
    {
        Description = "Host the sidecars; somebody else starts the apps",
    };
    private static readonly Option<bool> Restart = new("--restart")
    {
        Description = "Start an app again that ends without being asked to",
    };
    private static readonly Option<bool> KillOrphans = new("--kill-orphans")
    {
        Description = "End what an earlier run of this file left behind, and nothing else",
    };

    public static Command Create()
    {
        var command = new Command("run", "Host the sidecars of all apps of a run file, and start the apps")
        {
            RunOptions.File,
            RunOptions.Folder,
            Only,
            NoApps,
            Restart,
            KillOrphans,
        };
        command.SetAction(
            (parsed, _) =>
            {
                var run = RunFile.Load(RunOptions.FileOf(parsed));
                Logs.Level = run.LogLevel;
                return MeshRun.RunAsync(
                    new MeshRunOptions(Chosen(run, parsed.GetValue(Only)))
                    {
                        StartApps = !parsed.GetValue(NoApps),
                        RestartApps = parsed.GetValue(Restart),
                        KillOrphans = parsed.GetValue(KillOrphans),
                        PidDirectory = RunOptions.FolderOf(parsed),
                        Name = run.Name,
                        Settings = SidecarSettings.FromEnvironment() with
                        {
                            ListenAddresses = run.ListenAddresses,
                        },
                    }
                );
            }
        );
        return command;
    }

    private static IReadOnlyList<AppSpec> Chosen(RunFile run, string? only)
    {
        if (only is null)
            return run.Apps;
        var ids = only.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var unknown = ids.FirstOrDefault(id => run.Apps.All(app => app.AppId != id));
        return unknown is null
            ? [.. run.Apps.Where(app => ids.Contains(app.AppId))]
            : throw new ConfigException($"--only names '{unknown}', which is not in the run file");
    }
}

/// <summary>What every command about a run asks: which one.</summary>
internal static class RunOptions
{
    public static readonly Option<string> File = new("--run-file", "-f")
    {
        Description = "The run file; dapr.yaml here when not given",
    };

    public static readonly Option<string> Folder = new("--pid-dir")
    {
        Description = "Where the run writes down what it is; .dapr/run beside the run file",
    };

    public static string FileOf(ParseResult parsed) => parsed.GetValue(File) ?? "dapr.yaml";

    public static string FolderOf(ParseResult parsed) =>
        parsed.GetValue(Folder) ?? RunFolder.Of(FileOf(parsed));
}
