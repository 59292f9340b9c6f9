using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Components;

/// <summary>
/// What the YAML files of some resources folders declare. Component metadata is still as written: literals,
/// environment references, secret references.
/// </summary>
internal sealed record ResourceFiles(
    IReadOnlyList<YamlMap> Components,
    IReadOnlyList<ResiliencyPolicies> Resiliencies,
    IReadOnlyList<DeclaredSubscription> Subscriptions,
    IReadOnlyList<HttpEndpoint> HttpEndpoints
)
{
    /// <summary>
    /// Reads every *.yaml and *.yml file of the folders, not their subfolders, in name order.
    /// </summary>
    public static ResourceFiles Load(IEnumerable<string> folders)
    {
        var components = new List<YamlMap>();
        var resiliencies = new List<ResiliencyPolicies>();
        var endpoints = new List<HttpEndpoint>();
        var subscriptions = new List<DeclaredSubscription>();
        foreach (var document in folders.SelectMany(FilesOf).SelectMany(YamlMap.LoadAll))
        {
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
                    endpoints.Add(HttpEndpoint.Read(document));
                    break;
                default:
                    // Configuration and whatever else Dapr keeps in such folders.
                    break;
            }
        }
        return new ResourceFiles(components, resiliencies, subscriptions, endpoints);
    }

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
