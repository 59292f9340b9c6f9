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
            RunCommand.Create(),
            ServeCommand.Create(),
        };
        foreach (var command in ControlCommands.Create())
            root.Subcommands.Add(command);
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
}
