using System.Globalization;
using System.Text;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary>Where the lines of one app go: to this process's output behind a prefix, to a file, or
/// both.</summary>
internal sealed class AppLog : IDisposable
{
    // Readable on light and dark: cyan, magenta, yellow, green, blue, bright red.
    private static readonly int[] Colours = [36, 35, 33, 32, 34, 91];

    private AppLog(byte[] prefix, bool isShown, FileStream? file)
    {
        Prefix = prefix;
        IsShown = isShown;
        File = file;
    }

    public ReadOnlyMemory<byte> Prefix { get; }

    public bool IsShown { get; }

    public FileStream? File { get; }

    /// <summary>Colours are for people: not for files and pipes, and not for who says NO_COLOR.</summary>
    public static bool UsesColours =>
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public static AppLog Open(AppSpec app, int number, bool coloured, DateTimeOffset now)
    {
        var name = $"{app.AppId, -10}| ";
        var prefix = coloured
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"\e[{Colours[number % Colours.Length]}m{name}\e[0m"
            )
            : name;
        var file = app.AppLogs.HasFlag(LogDestination.File) ? OpenFile(app, now) : null;
        return new AppLog(Encoding.UTF8.GetBytes(prefix), app.AppLogs.HasFlag(LogDestination.Console), file);
    }

    public void Dispose() => File?.Dispose();

    private static FileStream OpenFile(AppSpec app, DateTimeOffset now)
    {
        var folder = Directory.CreateDirectory(Path.Combine(app.Directory, ".dapr", "logs")).FullName;
        var name = string.Create(CultureInfo.InvariantCulture, $"{app.AppId}_app_{now:yyyyMMddHHmmss}.log");
        return new FileStream(
            Path.Combine(folder, name),
            new FileStreamOptions
            {
                Mode = FileMode.Append,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                BufferSize = 0,
            }
        );
    }
}
