using System.Reflection;
using System.Runtime.CompilerServices;
using Souk.Shared;

namespace Souk.Tests.Repo;

/// <summary>Our compiled code, for tests that look at it by reflection.</summary>
internal static class Code
{
    /// <summary>The domains: a folder under services with a project in it.</summary>
    public static IReadOnlyList<Domain> Domains { get; } =
    [
        .. RepoFiles
            .Under("services", ".csproj")
            .Where(file => !file.Path.StartsWith("services/_shared/", StringComparison.Ordinal))
            .Select(file => new Domain(file.Path.Split('/')[1], Load(file.Path)))
            .OrderBy(domain => domain.Id, StringComparer.Ordinal),
    ];

    public static Assembly Shared { get; } = Assembly.Load("Shared");

    public static IEnumerable<Assembly> Processes =>
        [.. Domains.Select(domain => domain.Assembly), Assembly.Load("Gateway"), Assembly.Load("sidecar")];

    /// <summary>Types that somebody wrote, without what the compiler adds.</summary>
    public static IEnumerable<System.Type> TypesOf(params IEnumerable<Assembly> assemblies) =>
        assemblies
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type =>
                !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
                && type.Namespace?.StartsWith("Souk", StringComparison.Ordinal) == true
            );

    private static Assembly Load(string project) => Assembly.Load(Path.GetFileNameWithoutExtension(project));
}

/// <summary>A service: its folder's name is its Dapr app id.</summary>
internal sealed record Domain(string Id, Assembly Assembly)
{
    public string Folder => $"services/{Id}";

    /// <summary>The host's own Configure, found by its name: CatalogHost.Configure.</summary>
    public Action<ServiceBuilder> Configure =>
        Assembly
            .GetTypes()
            .Single(type => type.Name == $"{Assembly.GetName().Name}Host")
            .GetMethod(
                nameof(Configure),
                BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public,
                [typeof(ServiceBuilder)]
            )
            ?.CreateDelegate<Action<ServiceBuilder>>()
        ?? throw new InvalidOperationException($"{Assembly.GetName().Name}Host has no Configure.");
}
