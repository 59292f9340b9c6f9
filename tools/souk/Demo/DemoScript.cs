using System.Globalization;
using Spectre.Console;

namespace Souk.Tool.Demo;

/// <summary>Prints the steps of the demo and ends it at the first thing that is not as it should
/// be.</summary>
internal static class DemoScript
{
    public static void Step(string title) => Write($"\n[bold]{title}[/]");

    public static void Tell(string text) => Write($"    {text}");

    /// <summary>Prints what holds; fails with what was found when it does not.</summary>
    public static void Check(bool holds, string claim, string found)
    {
        if (!holds)
            throw new ToolException($"Not so: {claim}. Found: {found}.");
        Write($"    [green]ok[/] {claim}");
    }

    public static void End() => Write($"\n[green]Everything as it should be.[/]\n");

    private static void Write(FormattableString markup) =>
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, markup);
}
