using Souk.Sidecar.Files;

namespace Souk.Sidecar.Components;

/// <summary>An HTTPEndpoint resource: an address outside that is invoked by name.</summary>
internal sealed record HttpEndpoint(
    string Name,
    string BaseUrl,
    IReadOnlyDictionary<string, string> Headers,
    IReadOnlyList<string> Scopes
)
{
    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);

    /// <summary>
    /// Reads a document; <paramref name="valueOf"/> knows what a header has for a value, which may be a
    /// secret.
    /// </summary>
    public static HttpEndpoint Read(YamlMap document, Func<YamlMap, string> valueOf)
    {
        var head = document.Map("metadata") ?? throw document.Error("metadata", "is required");
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        var url = spec.Required("baseUrl");
        if (
            !Uri.TryCreate(url, UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
        )
            throw spec.Error("baseUrl", $"must be an http or https address, not '{url}'");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in spec.Maps("headers"))
            headers[header.Required("name")] = valueOf(header);
        return new HttpEndpoint(head.Required("name"), url, headers, document.Texts("scopes"));
    }
}
