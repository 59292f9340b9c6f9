using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Grpc.Core;

namespace Souk.Tests.Repo;

/// <summary>What may know what (style.md section 2).</summary>
internal sealed partial class ArchitectureTests
{
    private const int ConstructorParametersMax = 6;

    private static readonly string[] DomainWords =
    [
        "Cart",
        "Catalog",
        "Checkout",
        "Coupon",
        "Inventory",
        "Ordering",
        "Payment",
        "Product",
        "Refund",
        "Shipment",
        "Sku",
        "Stock",
        "Warehouse",
    ];

    /// <summary>Interfaces that have one implementation here, each with what stands on the other
    /// side.</summary>
    private static readonly Dictionary<string, string> SeamsToTheOutside = new()
    {
        ["IEventBus"] = "the broker",
        ["ILeases"] = "the lock service",
        ["IServiceTokenSource"] = "identity, as another process sees it",
        ["IMeshRoutes"] = "the network between processes",
    };

    [Test]
    public void Services_EachProject_ReferencesNoOtherService() =>
        Rule.Holds(
            from domain in Code.Domains
            from project in RepoFiles.Under(domain.Folder, ".csproj")
            from reference in XDocument.Parse(project.Text).Descendants("ProjectReference")
            select $"{project}: {reference.Attribute("Include")?.Value}",
            "Every service gets protos and _shared from services/Directory.Build.props and references nothing else."
        );

    [Test]
    public void Services_EachFile_UsesNoOtherServicesCode() =>
        Rule.Holds(
            from domain in Code.Domains
            from other in Code.Domains
            where other != domain
            let name = new Regex($@"\bSouk\.{other.Assembly.GetName().Name}\b(?!\.V1)")
            from file in RepoFiles.Under(domain.Folder, ".cs")
            from line in file.Find(line => name.IsMatch(line))
            select line,
            "Call the other service by its contract (Souk.<Domain>.V1)."
        );

    [Test]
    public void Shared_EachFile_NamesNoDomain() =>
        Rule.Holds(
            from file in RepoFiles.Under("services/_shared", ".cs")
            // Comments may give examples.
            from line in file.Find(line => DomainWord().IsMatch(line.Split("//")[0]))
            select line,
            "services/_shared serves every domain alike: move what names one into that service."
        );

    [Test]
    public void Interfaces_EachOne_HasTwoImplementationsOrAnOutside() =>
        Rule.Holds(
            from type in Code.TypesOf(Code.Processes.Append(Code.Shared))
            where type.IsInterface && !SeamsToTheOutside.ContainsKey(type.Name)
            let implementations = Code.TypesOf(Code.Processes.Append(Code.Shared))
                .Count(other => other is { IsInterface: false, IsAbstract: false } && Implements(other, type))
            where implementations == 1
            select $"{type.FullName}: {implementations} implementation",
            "Use the class itself; or list the interface here with what outside our control it stands for."
        );

    [Test]
    public void Types_OutsideShared_AreInternal() =>
        Rule.Holds(
            from assembly in Code.Processes
            from type in assembly.GetExportedTypes()
            where type.Namespace?.StartsWith("Souk", StringComparison.Ordinal) == true
            where !IsGenerated(type)
            select $"{type.FullName}",
            "Nobody references a process: make the type internal."
        );

    [Test]
    public void Services_EachRpc_IsOverridden()
    {
        var bases = Code.TypesOf(Code.Domains.Select(domain => domain.Assembly))
            .Where(type => type.BaseType?.GetCustomAttribute<BindServiceMethodAttribute>() is not null)
            .ToList();
        Rule.Holds(
            from type in bases
            from method in type.BaseType?.GetMethods(BindingFlags.Instance | BindingFlags.Public) ?? []
            where method is { IsVirtual: true, IsFinal: false } && method.DeclaringType == type.BaseType
            where
                type.GetMethods()
                    .Any(other =>
                        other.GetBaseDefinition() == method && other.DeclaringType == method.DeclaringType
                    )
            select $"{type.FullName}.{method.Name}",
            "The contract promises the RPC: override it."
        );
        Rule.Holds(
            from service in Contracts.Rpcs.Select(rpc => rpc.Service.Name).Distinct()
            where bases.All(type => type.Name != service)
            select service,
            "No class implements this service."
        );
    }

    [Test]
    public void Constructors_EachClass_TakesFewThings() =>
        Rule.Holds(
            from type in Code.TypesOf(Code.Processes.Append(Code.Shared))
            where type.IsClass && !IsRecord(type)
            from constructor in type.GetConstructors(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic
            )
            let count = constructor.GetParameters().Length
            where count > ConstructorParametersMax
            select $"{type.FullName}: {count}",
            $"More than {ConstructorParametersMax} parts: the class does two things, or some of its parts belong together."
        );

    [Test]
    public void Apps_RunFileFoldersAndScopes_ListTheSame()
    {
        var apps = Ids(RunFileApp(), [RepoFiles.All.Single(file => file.Path == "dapr.yaml")]);
        var folders = Code.Domains.Select(domain => domain.Id).Append("gateway").ToHashSet();
        Assert.That(
            apps,
            Is.EquivalentTo(folders),
            "dapr.yaml lists every process, and each has its folder."
        );
        Rule.Holds(
            from file in RepoFiles.Under("components", ".yaml")
            let scopes = ScopeList().Match(file.Text).Groups["list"].Value
            from scope in scopes.Split([',', '-', '\n', ' ', '[', ']'], StringSplitOptions.RemoveEmptyEntries)
            where !apps.Contains(scope)
            select $"{file}: {scope}",
            "The scope names no app of dapr.yaml."
        );
    }

    private static HashSet<string> Ids(Regex pattern, IEnumerable<RepoFile> files) =>
        [.. files.SelectMany(file => pattern.Matches(file.Text)).Select(match => match.Groups["id"].Value)];

    private static bool Implements(System.Type type, System.Type contract) =>
        type.GetInterfaces()
            .Any(other =>
                other == contract || (other.IsGenericType && other.GetGenericTypeDefinition() == contract)
            );

    private static bool IsRecord(System.Type type) => type.GetMethod("<Clone>$") is not null;

    // Protobuf makes its messages public; a process that has contracts of its own cannot change that.
    private static bool IsGenerated(System.Type type) =>
        typeof(Google.Protobuf.IMessage).IsAssignableFrom(type)
        || type.IsEnum
        || type.IsNested
        || type.Name.EndsWith("Reflection", StringComparison.Ordinal)
        || type.GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Any(method => method.Name == "BindService");

    [GeneratedRegex(@"appID:\s*(?<id>[\w-]+)")]
    private static partial Regex RunFileApp();

    [GeneratedRegex(
        @"^scopes:(?<list>(\s*\[[^\]]*\])|(\s*\n(\s*-\s*[\w-]+\n?)+))",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex ScopeList();

    private static Regex DomainWord() => new($@"(?<![a-z])({string.Join('|', DomainWords)})(?![a-z])");
}
