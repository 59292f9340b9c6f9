using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Souk.Gateway.Errors;
using Souk.Gateway.Routing;
using Souk.Type;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// An error that callers can meet: its reason, the status code that its comment names, and what it means.
/// </summary>
internal sealed record ReasonEntry(string Domain, string Name, Code Code, string Text)
{
    public int HttpStatus => Problem.HttpStatusOf(Code, Name);

    /// <summary>What people are told, in English.</summary>
    public string Title =>
        ErrorTexts.All.Of(ErrorTexts.Default, Domain, Name)
        ?? ErrorTexts.All.OfStatus(ErrorTexts.Default, HttpStatus);

    /// <summary>Names of reasons are unique in a domain only.</summary>
    public string Key => $"{Domain}.{Name}";
}

/// <summary>
/// The reasons of all contracts, and which of them an RPC gives: those that its comment names, and those that
/// follow from its shape.
/// </summary>
internal sealed partial class Reasons
{
    private const string EnumName = "Reason";

    private readonly Dictionary<string, ReasonEntry> _all;

    public Reasons(IEnumerable<FileDescriptor> files, Comments comments)
    {
        _all = files
            .Append(ReasonReflection.Descriptor)
            .Distinct()
            .SelectMany(file => file.EnumTypes.Where(type => type.Name == EnumName))
            .SelectMany(type => type.Values)
            .Select(value => EntryOf(value, comments))
            .OfType<ReasonEntry>()
            .ToDictionary(entry => entry.Key);
    }

    /// <summary>Every reason that an error can have, by domain and name.</summary>
    public IEnumerable<ReasonEntry> All => _all.Values.OrderBy(entry => entry.Key, StringComparer.Ordinal);

    /// <summary>The reasons that a route's answers can have.</summary>
    public IReadOnlyList<ReasonEntry> Of(Route route, string comment)
    {
        var own = DomainOf(route.Rpc.Descriptor.File.Package);
        var named = ReasonName()
            .Matches(comment)
            .Select(match => match.Groups["reason"].Value)
            .Select(name => Find(own, name) ?? Common(name));
        return
        [
            .. named
                .Concat(ReasonsByShape.Of(route).Select(reason => _all[$"{CommonDomain}.{reason}"]))
                .OfType<ReasonEntry>()
                .Distinct()
                .OrderBy(entry => entry.HttpStatus)
                .ThenBy(entry => entry.Name, StringComparer.Ordinal),
        ];
    }

    private static string CommonDomain => DomainOf(ReasonReflection.Descriptor.Package);

    // Last the reason of another service, where just one has it: faults pass from service to service.
    private ReasonEntry? Find(string domain, string name) =>
        _all.GetValueOrDefault($"{domain}.{name}")
        ?? _all.GetValueOrDefault($"{CommonDomain}.{name}")
        ?? (_all.Values.Where(entry => entry.Name == name).ToList() is [var only] ? only : null);

    // A comment that names a bare code means the common reason of that code.
    private ReasonEntry? Common(string code) =>
        code switch
        {
            "NOT_FOUND" => _all[$"{CommonDomain}.RESOURCE_NOT_FOUND"],
            "INVALID_ARGUMENT" => _all[$"{CommonDomain}.INVALID_FIELD"],
            _ => null,
        };

    private static ReasonEntry? EntryOf(EnumValueDescriptor value, Comments comments)
    {
        var match = CodeName().Match(comments.Of(value));
        // Zero is never sent, and a reason without a code is one that a resource tells, no error.
        if (value.Number == 0 || !match.Success)
            return null;
        var code = Enum.GetValues<Code>()
            .FirstOrDefault(known => Problem.NameOf(known) == match.Groups["code"].Value);
        return new ReasonEntry(DomainOf(value.File.Package), value.Name, code, match.Groups["text"].Value);
    }

    // souk.catalog.v1 is souk.catalog, souk.type is souk: as Fault names them.
    private static string DomainOf(string package) =>
        package.Split('.') is [var root, "type", ..] ? root : string.Join('.', package.Split('.').Take(2));

    [GeneratedRegex(
        @"^(?<code>[A-Z_]+): (?<text>.*)$",
        RegexOptions.Singleline,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex CodeName();

    [GeneratedRegex(
        @"\b([A-Z_]+/)?(?<reason>[A-Z][A-Z_]{3,})\b",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex ReasonName();
}
