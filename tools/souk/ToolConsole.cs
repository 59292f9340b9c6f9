using System.Globalization;
using Spectre.Console;

namespace Souk.Tool;

/// <summary>What the commands print, and how they fail.</summary>
internal static class ToolConsole
{
    /// <summary>In a file or a pipe: no colours, and lines as long as they are.</summary>
    public static void Adapt()
    {
        if (!Console.IsOutputRedirected)
            return;
        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Capabilities.Interactive = false;
        AnsiConsole.Profile.Width = 200;
    }

    /// <summary>Runs a command's body; a ToolException becomes its message and the exit code 1.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> body)
    {
        try
        {
            return await body();
        }
        catch (ToolException failure)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{failure.Message}[/]");
            return 1;
        }
        catch (OperationCanceledException)
        {
            Line("interrupted; run it again to go on");
            return 130;
        }
    }

    public static void Line(string text) => AnsiConsole.WriteLine(text);

    public static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static Progress Progress() =>
        AnsiConsole
            .Progress()
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn(),
                new SpinnerColumn()
            );
}
