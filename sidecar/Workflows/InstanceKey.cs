namespace Souk.Sidecar.Workflows;

/// <summary>Names one workflow instance: ids are unique within an app, not across apps.</summary>
internal readonly record struct InstanceKey(string AppId, string InstanceId)
{
    /// <summary>Longest id in UTF-8 bytes: the id is part of a database key, which has a limit of its
    /// own.</summary>
    public const int IdBytesMax = 1024;

    public static bool IsValidId(string id) =>
        id.Length > 0
        && !id.Contains("||", StringComparison.Ordinal)
        && !id.Contains('\0')
        && System.Text.Encoding.UTF8.GetByteCount(id) <= IdBytesMax;

    public override string ToString() => $"{AppId}/{InstanceId}";
}
