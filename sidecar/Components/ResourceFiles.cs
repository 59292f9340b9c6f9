using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Components;

/// <summary>
/// What the YAML files of some resources folders declare. Components and HTTP endpoints are still as written:
/// literals, environment references, secret references.
/// </summary>
internal sealed record ResourceFiles(
    IReadOnlyList<YamlMap> Components,
    IReadOnlyList<ResiliencyPolicies> Resiliencies,
    IReadOnlyList<DeclaredSubscription> Subscriptions,
    IReadOnlyList<YamlMap> HttpEndpoints
)
{
    /// <summary>
    /// Reads every *.yaml and *.yml file of the folders, not their subfolders, in name order. What belongs
    /// to another namespace than <paramref name="space"/> is left out; without one everything counts.
    /// </summary>
    public static ResourceFiles Load(IEnumerable<string> folders, string space)
    {
        var components = new List<YamlMap>();
        var resiliencies = new List<ResiliencyPolicies>();
        var endpoints = new List<YamlMap>();
        var subscriptions = new List<DeclaredSubscription>();
        foreach (var document in folders.SelectMany(FilesOf).SelectMany(YamlMap.LoadAll))
        {
            if (!IsIn(document, space))
                continue;
            switch (document.Text("kind"))
            {
                case "Component":
                    components.Add(document);
                    break;
                case "Resiliency":
                    resiliencies.Add(ResiliencyPolicies.Read(document));
                    break;
                case "Subscription":
                    subscriptions.Add(DeclaredSubscription.Read(document));
                    break;
                case "HTTPEndpoint":
                    endpoints.Add(document);
                    break;
                default:
                    // Configuration and whatever else Dapr keeps in such folders.
                    break;
            }
        }
        return new ResourceFiles(components, resiliencies, subscriptions, endpoints);
    }

    private static bool IsIn(YamlMap document, string space) =>
        space.Length == 0
        || document.Map("metadata")?.Text("namespace") is not { Length: > 0 } own
        || own == space;

    private static IEnumerable<string> FilesOf(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ConfigException($"{folder}: no such resources folder");
        return Directory
            .EnumerateFiles(folder)
            .Where(file => Path.GetExtension(file) is ".yaml" or ".yml")
            .Order(StringComparer.Ordinal);
    }
}
