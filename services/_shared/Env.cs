using System.Globalization;

namespace Souk.Shared;

/// <summary>
/// The one place that reads environment variables; each setting has a default that works in development.
/// </summary>
public static class Env
{
    /// <summary>The variable's text, or the default when it is unset or empty.</summary>
    public static string Text(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;

    /// <summary>
    /// The variable as a whole number between two bounds; anything else stops the process at start.
    /// </summary>
    public static int Int(string name, int otherwise, int min = 0, int max = int.MaxValue)
    {
        var text = Text(name, otherwise.ToString(CultureInfo.InvariantCulture));
        return
            int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            && value >= min
            && value <= max
            ? value
            : throw new InvalidOperationException($"{name} must be a whole number from {min} to {max}.");
    }

    /// <summary>The variable as seconds.</summary>
    public static TimeSpan Seconds(string name, int otherwise, int min = 0, int max = int.MaxValue) =>
        TimeSpan.FromSeconds(Int(name, otherwise, min, max));

    /// <summary>The variable as true or false.</summary>
    public static bool Flag(string name, bool otherwise) =>
        Text(name, otherwise ? "true" : "false").ToLowerInvariant() switch
        {
            "true" or "1" => true,
            "false" or "0" => false,
            _ => throw new InvalidOperationException($"{name} must be true or false."),
        };
}
