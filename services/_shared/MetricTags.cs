using System.Globalization;

namespace Souk.Shared;

/// <summary>A set of tags as a key; looked up by the tags of a measurement without making one.</summary>
internal sealed class MetricTags(ReadOnlySpan<KeyValuePair<string, object?>> tags)
{
    private readonly KeyValuePair<string, object?>[] _tags = tags.ToArray();

    public static IEqualityComparer<MetricTags> Comparer { get; } = new TagComparer();

    /// <summary>Stands for all sets beyond the number that is told apart.</summary>
    public static MetricTags Others { get; } = new([new("other", "true")]);

    /// <summary>The tags as labels.</summary>
    public string Text { get; } =
        string.Join(',', tags.ToArray().Select(tag => $"{Name(tag.Key)}=\"{Escape(tag.Value)}\""));

    private static string Name(string key) =>
        string.Concat(key.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));

    private static string Escape(object? value) =>
        (Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            .Replace(@"\", @"\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed class TagComparer
        : IEqualityComparer<MetricTags>,
            IAlternateEqualityComparer<ReadOnlySpan<KeyValuePair<string, object?>>, MetricTags>
    {
        public bool Equals(MetricTags? x, MetricTags? y) =>
            x is null || y is null ? ReferenceEquals(x, y) : Equals(x._tags, y);

        public bool Equals(ReadOnlySpan<KeyValuePair<string, object?>> alternate, MetricTags other)
        {
            if (alternate.Length != other._tags.Length)
                return false;
            for (var at = 0; at < alternate.Length; at++)
            {
                if (
                    alternate[at].Key != other._tags[at].Key
                    || !object.Equals(alternate[at].Value, other._tags[at].Value)
                )
                    return false;
            }
            return true;
        }

        public int GetHashCode(MetricTags obj) => GetHashCode(obj._tags);

        public int GetHashCode(ReadOnlySpan<KeyValuePair<string, object?>> alternate)
        {
            var hash = new HashCode();
            foreach (var tag in alternate)
                hash.Add(tag.Value);
            return hash.ToHashCode();
        }

        public MetricTags Create(ReadOnlySpan<KeyValuePair<string, object?>> alternate) => new(alternate);
    }
}
