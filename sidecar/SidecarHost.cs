using System.CommandLine;
using Souk.Sidecar.Files;
using Souk.Sidecar.Processes;

namespace Souk.Sidecar;

/// <summary>
/// The local Dapr runtime. <c>run</c> hosts the sidecars of a run file and its apps, <c>serve</c> one sidecar
/// alone.
/// </summary>
internal static class SidecarHost
{
    public static async Task<int> Main(string[] args)
    {
        var root = new RootCommand(
            "A local runtime that speaks Dapr's API: one process, a sidecar for each app."
        )
        {
            RunCommand(),
            ServeCommand.Create(),
        };
        try
        {
            // Signals are this program's own business: apps get their time to finish first.
            var configuration = new InvocationConfiguration
            {
                ProcessTerminationTimeout = null,
                EnableDefaultExceptionHandler = false,
            };
            var parsed = root.Parse(DaprdFlags.WithTwoDashes(args));
            if (parsed.Errors is [{ } error, ..])
                throw new ConfigException($"{error.Message} `sidecar --help` lists what there is.");
            return await parsed.InvokeAsync(configuration);
        }
        catch (ConfigException e)
        {
            await Console.Error.WriteLineAsync("sidecar: " + e.Message);
            return 2;
        }
    }

    private static Command RunCommand()
    {
        var file = new Option<string>("--run-file", "-f")
        {
            Description = "The run file, dapr.yaml",
            Required = true,
        };
        var only = new Option<string>("--only")
        {
            Description = "App ids, separated by commas; the others are left out",
        };
        var noApps = new Option<bool>("--no-apps")
        {
            Description = "Host the sidecars; somebody else starts the apps",
        };
        var restart = new Option<bool>("--restart")
        {
            Description = "Start an app again that ends without being asked to",
        };
        var pidDirectory = new Option<string>("--pid-dir")
        {
            Description = "Where to write <app>.pid of what runs",
        };
        var command = new Command("run", "Host the sidecars of all apps of a run file, and start the apps")
        {
            file,
            only,
            noApps,
            restart,
            pidDirectory,
        };
        command.SetAction(
            (parsed, _) =>
            {
                var run = RunFile.Load(parsed.GetRequiredValue(file));
                var apps = Chosen(run, parsed.GetValue(only));
                return MeshRun.RunAsync(
                    new MeshRunOptions(apps)
                    {
                        StartApps = !parsed.GetValue(noApps),
                        RestartApps = parsed.GetValue(restart),
                        PidDirectory = parsed.GetValue(pidDirectory),
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
