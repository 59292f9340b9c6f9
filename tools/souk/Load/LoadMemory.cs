namespace Souk.Tool.Load;

/// <summary>
/// The lines that are done, as a file that grows by one mark a line: an interrupted load goes on where it
/// stopped. Half a mark at its end, from a kill, matches no line and costs one repeated request.
/// </summary>
internal sealed class LoadMemory : IDisposable
{
    private readonly HashSet<string> _done;
    private readonly StreamWriter _writer;
    private readonly Lock _lock = new();

    private LoadMemory(HashSet<string> done, StreamWriter writer)
    {
        _done = done;
        _writer = writer;
    }

    /// <summary>Opens the memory of one file for one seller: another shop has another seller.</summary>
    public static LoadMemory Open(string folder, string file, string sellerId)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{file}.{sellerId}.done");
        var done = File.Exists(path) ? File.ReadAllLines(path).ToHashSet(StringComparer.Ordinal) : [];
        // The line break ends a mark that a kill cut short.
        var writer = new StreamWriter(path, append: true) { AutoFlush = true, NewLine = "\n" };
        if (done.Count > 0)
            writer.WriteLine();
        return new LoadMemory(done, writer);
    }

    // The set is never written after Open: marks of this run are not asked for again.
    public bool Has(CatalogueLine line) => _done.Contains(line.Mark);

    public void Add(CatalogueLine line)
    {
        lock (_lock)
        {
            _writer.WriteLine(line.Mark);
        }
    }

    public void Dispose() => _writer.Dispose();
}
