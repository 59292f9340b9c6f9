using System.Text.Json.Nodes;

namespace Souk.Tool.Load;

/// <summary>What the shop would not take, and why.</summary>
internal sealed class RefusedRows(string path)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, int> _byReason = new(StringComparer.Ordinal);
    private readonly List<(int Number, JsonObject Row)> _rows = [];

    public string Path { get; } = path;
    public IReadOnlyDictionary<string, int> ByReason => _byReason;
    public int Count => _rows.Count;

    public void Add(CatalogueLine line, Refusal refusal)
    {
        var row = new JsonObject
        {
            ["line"] = line.Number,
            ["step"] = refusal.Step,
            ["status"] = refusal.Status,
            ["reason"] = refusal.Reason,
            ["detail"] = refusal.Detail,
        };
        if (refusal.Problem?.DeepClone() is { } problem)
            row["problem"] = problem;
        lock (_lock)
        {
            _rows.Add((line.Number, row));
            _byReason[refusal.Reason] = _byReason.GetValueOrDefault(refusal.Reason) + 1;
        }
    }

    /// <summary>Writes one JSON object a row, in the file's order; removes the last run's report when nothing
    /// is refused.</summary>
    public void Save()
    {
        if (_rows.Count == 0)
        {
            File.Delete(Path);
            return;
        }
        File.WriteAllLines(Path, _rows.OrderBy(row => row.Number).Select(row => row.Row.ToJsonString()));
    }
}

/// <summary>Why one row was not taken, and at which step: read, list, approve or stock.</summary>
internal sealed record Refusal(string Step, int Status, string Reason, string Detail, JsonNode? Problem)
{
    public static Refusal Of(string step, ShopReply reply) =>
        new(step, reply.Status, reply.Reason, reply.Detail, reply.Body);

    public static Refusal Malformed(string detail) => new("read", 0, "MALFORMED_JSON", detail, null);
}
