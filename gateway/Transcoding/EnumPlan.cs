using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;

namespace Souk.Gateway.Transcoding;

/// <summary>One value of an enum with its JSON text.</summary>
internal sealed record EnumEntry(int Number, JsonEncodedText Text);

/// <summary>
/// The names of an enum. Souk's own enums are written short and in lower case: ORDER_STATUS_PENDING of
/// OrderStatus is "pending". All are read in either form and in any case.
/// </summary>
internal sealed partial class EnumPlan
{
    private const int NameBytesMax = 128;

    private readonly NameTable<EnumEntry> _byName;
    private readonly Dictionary<int, EnumEntry> _byNumber = [];

    public EnumPlan(EnumDescriptor descriptor)
    {
        var isOurs = descriptor.File.Package.StartsWith("souk.", StringComparison.Ordinal);
        var prefix = WordStart().Replace(descriptor.Name, "_").ToUpperInvariant() + "_";
        var names = new List<KeyValuePair<string, EnumEntry>>();
        var shortNames = new List<KeyValuePair<string, EnumEntry>>();
        foreach (var value in descriptor.Values)
        {
            var shortName = ShortName(value.Name, prefix).ToLowerInvariant();
            var entry = new EnumEntry(value.Number, JsonEncodedText.Encode(isOurs ? shortName : value.Name));
            _byNumber.TryAdd(value.Number, entry);
            names.Add(new(value.Name.ToLowerInvariant(), entry));
            shortNames.Add(new(shortName, entry));
        }
        _byName = new(names.Concat(shortNames));
        IsNull = descriptor.FullName == "google.protobuf.NullValue";
    }

    /// <summary>google.protobuf.NullValue, whose JSON is null.</summary>
    public bool IsNull { get; }

    /// <summary>The texts in the order of their numbers, for messages and the API document.</summary>
    public IEnumerable<string> Texts =>
        _byNumber.OrderBy(entry => entry.Key).Select(entry => entry.Value.Text.ToString());

    public EnumEntry? Find(int number) => _byNumber.GetValueOrDefault(number);

    public EnumEntry? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length > NameBytesMax)
            return null;
        Span<byte> lower = stackalloc byte[name.Length];
        return System.Text.Ascii.ToLower(name, lower, out var written) == System.Buffers.OperationStatus.Done
            ? _byName.Find(lower[..written])
            : null;
    }

    private static string ShortName(string name, string prefix) =>
        name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal)
            ? name[prefix.Length..]
            : name;

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WordStart();
}
