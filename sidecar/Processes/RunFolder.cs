using System.Globalization;
using System.Text.Json;

namespace Souk.Sidecar.Processes;

/// <summary>What a run writes down about itself, for <c>list</c>, <c>status</c> and <c>stop</c>.</summary>
internal sealed record RunRecord(string RunId, string Name, IReadOnlyList<AppRecord> Apps);

/// <summary>One app of a run and where its sidecar answers.</summary>
internal sealed record AppRecord(string AppId, int AppPort, int HttpPort, int GrpcPort, string Command);

/// <summary>
/// The folder of a run: <c>run.json</c>, and a <c>.pid</c> file for each process: its id, below it the
/// instant of its start. Without a directory nothing is written and nothing found.
/// </summary>
internal sealed class RunFolder(string? directory)
{
    /// <summary>The name of this program's own pid file.</summary>
    public const string Runtime = "sidecar";

    private const string RecordName = "run.json";

    public string? Directory => directory;

    /// <summary>The folder of a run file that was not told another.</summary>
    public static string Of(string runFile) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(runFile)) ?? "/", ".dapr", "run");

    public RunRecord? Record =>
        directory is not null && File.Exists(Path.Combine(directory, RecordName))
            ? JsonSerializer.Deserialize<RunRecord>(File.ReadAllText(Path.Combine(directory, RecordName)))
            : null;

    public void Write(RunRecord record) => Write(RecordName, JsonSerializer.Serialize(record));

    public void Write(string name, int pid) =>
        Write(
            name + ".pid",
            string.Create(CultureInfo.InvariantCulture, $"{pid}\n{ProcessMark.Of(pid)?.Started}\n")
        );

    /// <summary>The process of that name, if it is alive and the one that was written down.</summary>
    public ProcessMark? Find(string name)
    {
        var path = directory is null ? "" : Path.Combine(directory, name + ".pid");
        if (!File.Exists(path))
            return null;
        return
            File.ReadAllLines(path) is [var pid, var started, ..]
            && int.TryParse(pid, CultureInfo.InvariantCulture, out var id)
            && long.TryParse(started, CultureInfo.InvariantCulture, out var start)
            && new ProcessMark(id, start) is { IsAlive: true } mark
            ? mark
            : null;
    }

    public void Delete(string name)
    {
        if (directory is not null)
            File.Delete(Path.Combine(directory, name + ".pid"));
    }

    /// <summary>The run is over and left nothing behind.</summary>
    public void Close()
    {
        Delete(Runtime);
        if (directory is not null)
            File.Delete(Path.Combine(directory, RecordName));
    }

    // Renamed into place: whoever reads never sees half of it.
    private void Write(string name, string text)
    {
        if (directory is null)
            return;
        System.IO.Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
