using System.Text;

namespace Souk.Tests.Sidecar.Faults;

/// <summary>Lines that outlive their writer: each is with the operating system before the next is
/// made.</summary>
internal sealed class JournalWriter(string path) : IDisposable
{
    private readonly Lock _turn = new();
    private readonly FileStream _file = new(
        path,
        new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            BufferSize = 0,
        }
    );

    public void Write(string line)
    {
        lock (_turn)
            _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>What an app did, by its journal.</summary>
internal sealed class Journal
{
    private Journal(ILookup<(string, int), (string Given, string Result)> steps, HashSet<string> events)
    {
        Steps = steps;
        Events = events;
    }

    /// <summary>Every run of an activity, by workflow and step.</summary>
    internal ILookup<(string Trip, int Number), (string Given, string Result)> Steps { get; }

    internal HashSet<string> Events { get; }

    internal static Journal Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var lines = reader.ReadToEnd().Split('\n').SkipLast(1).Select(line => line.Split(' ')).ToList();
        return new Journal(
            lines
                .Where(words => words is ["activity", _, _, _, _])
                .ToLookup(words => (words[1], int.Parse(words[2])), words => (words[3], words[4])),
            [.. lines.Where(words => words is ["event", _]).Select(words => words[1])]
        );
    }
}
