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
            if (parsed.Errors.Count > 0)
                throw new ConfigException($"{ProblemOf(parsed)} `sidecar --help` lists what there is.");
            return await parsed.InvokeAsync(configuration);
        }
        catch (ConfigException e)
        {
            await Console.Error.WriteLineAsync("sidecar: " + e.Message);
            return 2;
        }
    }

    // Of a word that is no command the library says first that a command is missing.
    private static string ProblemOf(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens is [{ } word, ..]
            ? $"'{word}' is no command."
            : parsed.Errors[0].Message;
}
