namespace Souk.Catalog;

/// <summary>
/// Paths of the taxonomy as lists compare them: lower case, "/" between the parts, nothing at the ends.
/// </summary>
internal static class CategoryPath
{
    internal const int PartsMax = 8;
    internal const int PartLengthMax = 100;
    internal const char Separator = '/';

    /// <summary>The key of a path that a caller asks for; empty is the root.</summary>
    internal static string Key(string path) => path.Trim(Separator).ToLowerInvariant();

    /// <summary>The nodes that a product of this category is at or under, from the root down.</summary>
    internal static IEnumerable<Node> NodesOf(IReadOnlyList<string> category)
    {
        var parent = "";
        for (var depth = 1; depth <= category.Count; depth++)
        {
            var path = string.Join(Separator, category.Take(depth));
            var key = path.ToLowerInvariant();
            yield return new Node(key, parent, path);
            parent = key;
        }
    }

    internal static string NameOf(string path) => path[(path.LastIndexOf(Separator) + 1)..];

    internal readonly record struct Node(string Key, string ParentKey, string Path);
}
