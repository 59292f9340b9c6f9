using System.Text.RegularExpressions;

namespace Souk.Tests.Repo;

/// <summary>
/// The API document takes its errors from the contracts' comments, so the comments have to be true: what an
/// RPC is said to fail with its service raises, and what a service raises one of its RPCs says.
/// </summary>
internal sealed partial class ReasonTests
{
    private const string CommonPackage = "souk.type";

    /// <summary>Services whose faults another one passes to its callers as they are.</summary>
    private static readonly Dictionary<string, string[]> PassedOn = new() { ["ordering"] = ["cart"] };

    /// <summary>Reasons that the gateway documents by an RPC's shape: no comment need repeat them.</summary>
    private static readonly string ByShape = RepoFiles
        .Under("gateway/OpenApi", ".cs")
        .Single(file => file.Path.EndsWith("/ReasonsByShape.cs", StringComparison.Ordinal))
        .Text;

    private static readonly IReadOnlyDictionary<string, string> Common = CodesOf(CommonPackage);

    [Test]
    public void Comments_EachReason_IsRaised() =>
        Rule.Holds(
            from domain in Code.Domains
            let reasons = ReasonsOf(domain)
            let raised = RaisedBy([domain.Id, .. PassedOn.GetValueOrDefault(domain.Id, []), "_shared"])
            from rpc in CommentsOf(domain)
            from reason in NamedIn(rpc.Text)
            where reasons.ContainsKey(reason.Name) && !raised.Contains(PascalCase(reason.Name))
            select $"{rpc.Name}: {reason.Name}",
            "No code raises this reason: raise it, or take it out of the comment."
        );

    [Test]
    public void Comments_EachReason_HasTheCodeOfItsEnum() =>
        Rule.Holds(
            from domain in Code.Domains
            let reasons = ReasonsOf(domain)
            from rpc in CommentsOf(domain)
            from reason in NamedIn(rpc.Text)
            where reason.Code.Length > 0
            where !reasons.TryGetValue(reason.Name, out var code) || code != reason.Code
            select $"{rpc.Name}: {reason.Code}/{reason.Name}",
            "Write the code that the enum Reason has for it."
        );

    [Test]
    public void Services_EachReasonTheyRaise_IsInACommentOfTheirRpcs() =>
        Rule.Holds(
            from domain in Code.Domains
            let named = CommentsOf(domain).SelectMany(rpc => NamedIn(rpc.Text)).Select(reason => reason.Name)
            let known = named.ToHashSet(StringComparer.Ordinal)
            let raised = RaisedBy([domain.Id])
            from reason in ReasonsOf(domain)
            where raised.Contains(PascalCase(reason.Key)) && !IsKnown(reason.Key, reason.Value, known)
            select $"{domain.Id}: {reason.Value}/{reason.Key}",
            "Name it in the comment of the RPC that fails with it, as CODE/REASON."
        );

    [Test]
    public void Reasons_EachOneOfAService_IsInACommentOfItsRpcs() =>
        Rule.Holds(
            from domain in Code.Domains
            let known = CommentsOf(domain).SelectMany(rpc => NamedIn(rpc.Text)).Select(reason => reason.Name)
            from reason in CodesOf(PackageOf(domain)).Keys.Except(known)
            select $"{domain.Id}: {reason}",
            "No RPC says that it fails with this: name it where it does."
        );

    // A bare code in a comment means the common reason of that code.
    private static bool IsKnown(string reason, string code, HashSet<string> named) =>
        named.Contains(reason)
        || ByShape.Contains($"\"{reason}\"", StringComparison.Ordinal)
        || (Common.ContainsKey(reason) && named.Contains(code));

    /// <summary>The members of enums called Reason that the services' code names.</summary>
    private static HashSet<string> RaisedBy(IEnumerable<string> services) =>
        [
            .. from service in services
            from file in RepoFiles.Under($"services/{service}", ".cs")
            from Match match in RaisedPattern.Matches(file.Text)
            select match.Groups["name"].Value,
        ];

    private static IEnumerable<ProtoComment> CommentsOf(Domain domain) =>
        from file in Contracts.Files
        where file.Package == PackageOf(domain)
        let rpcs = Contracts
            .Rpcs.Where(rpc => rpc.File.Name == file.Name)
            .Select(Name)
            .ToHashSet(StringComparer.Ordinal)
        from comment in ProtoComments.Of(file)
        where rpcs.Contains(comment.Name)
        select comment;

    private static string Name(Rpc rpc) => $"{rpc.File.Package}.{rpc.Service.Name}.{rpc.Name}";

    private static IEnumerable<(string Code, string Name)> NamedIn(string comment) =>
        NamedPattern
            .Matches(comment)
            .Select(match => (match.Groups["code"].Value, match.Groups["name"].Value));

    /// <summary>
    /// What a service can raise: its own reasons, the common ones and other services' that its code names,
    /// each with its code.
    /// </summary>
    private static Dictionary<string, string> ReasonsOf(Domain domain)
    {
        var all = new Dictionary<string, string>(Common, StringComparer.Ordinal);
        var foreign =
            from file in RepoFiles.Under(domain.Folder, ".cs")
            from Match match in ForeignPattern.Matches(file.Text)
            from reason in CodesOf($"souk.{match.Groups["domain"].Value.ToLowerInvariant()}.v1")
            where PascalCase(reason.Key) == match.Groups["name"].Value
            select reason;
        foreach (var (name, code) in foreign)
            all[name] = code;
        foreach (var (name, code) in CodesOf(PackageOf(domain)))
            all[name] = code;
        return all;
    }

    // A reason whose comment begins with no code is one that a resource tells, and no error.
    private static Dictionary<string, string> CodesOf(string package) =>
        (
            from file in Contracts.Files
            where file.Package == package
            from comment in ProtoComments.Of(file)
            where comment.Name.StartsWith($"{package}.Reason.", StringComparison.Ordinal)
            let match = CodePattern.Match(comment.Text)
            where match.Success
            select (Name: comment.Name[(package.Length + ".Reason.".Length)..], match.Groups["code"].Value)
        ).ToDictionary(reason => reason.Name, reason => reason.Value, StringComparer.Ordinal);

    private static string PackageOf(Domain domain) => $"souk.{domain.Id}.v1";

    private static string PascalCase(string screaming) =>
        string.Concat(screaming.Split('_').Select(word => word[..1] + word[1..].ToLowerInvariant()));

    [GeneratedRegex(@"\bReason\.(?<name>[A-Z]\w+)")]
    private static partial Regex RaisedPattern { get; }

    [GeneratedRegex(@"Fault\.\w+\(\s*(?<domain>[A-Z]\w+)\.V1\.Reason\.(?<name>[A-Z]\w+)")]
    private static partial Regex ForeignPattern { get; }

    [GeneratedRegex(@"\b((?<code>[A-Z_]+)/)?(?<name>[A-Z]{2,}(_[A-Z]+)*)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex NamedPattern { get; }

    [GeneratedRegex("^(?<code>[A-Z_]+): ")]
    private static partial Regex CodePattern { get; }
}
