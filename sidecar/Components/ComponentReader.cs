using Souk.Sidecar.Files;
using Souk.Sidecar.Secrets;

namespace Souk.Sidecar.Components;

/// <summary>
/// Turns a Component document into a <see cref="ComponentSpec"/>, resolving its references.
/// </summary>
internal sealed class ComponentReader(Func<string, string?> environment)
{
    private readonly Dictionary<string, ISecretStore> _secretStores = new(StringComparer.Ordinal);

    /// <summary>Makes a secret store known to the documents that are read after it.</summary>
    public void Add(string name, ISecretStore store) => _secretStores[name] = store;

    public ComponentSpec Read(YamlMap document)
    {
        var head = document.Map("metadata") ?? throw document.Error("metadata", "is required");
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var missing = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in spec.Maps("metadata"))
        {
            var name = item.Required("name");
            if (item.Map("secretKeyRef") is { } reference)
                metadata[name] = SecretOf(document, reference);
            else if (item.Text("envRef") is { } variable)
                ResolveVariable(item, name, variable, metadata, missing);
            else
                metadata[name] = item.Text("value") ?? "";
        }
        return new ComponentSpec
        {
            Name = head.Required("name"),
            Type = spec.Required("type").ToLowerInvariant(),
            Version = spec.Text("version") is { Length: > 0 } version ? version : "v1",
            Place = $"{document.File}:{document.Line}",
            Metadata = metadata,
            Missing = missing,
            Scopes = document.Texts("scopes"),
            IgnoreErrors = spec.Flag("ignoreErrors") ?? false,
            InitTimeout = spec.Duration("initTimeout") ?? TimeSpan.FromSeconds(5),
        };
    }

    private void ResolveVariable(
        YamlMap item,
        string name,
        string variable,
        Dictionary<string, string> metadata,
        Dictionary<string, string> missing
    )
    {
        // Dapr keeps its own variables and the app's token out of components.
        if (variable.StartsWith("DAPR_", StringComparison.Ordinal) || variable == "APP_API_TOKEN")
            throw item.Error("envRef", $"may not name {variable}");
        if (environment(variable) is { Length: > 0 } value)
            metadata[name] = value;
        else
            missing[name] = variable;
    }

    private string SecretOf(YamlMap document, YamlMap reference)
    {
        var storeName =
            document.Map("auth")?.Text("secretStore")
            ?? throw document.Error("auth.secretStore", "is required");
        if (!_secretStores.TryGetValue(storeName, out var store))
            throw document.Error("auth.secretStore", $"names '{storeName}', which is not a secret store");
        var secret = reference.Required("name");
        var key = reference.Text("key") is { Length: > 0 } given ? given : secret;
        return store.Find(secret) is { } values && values.TryGetValue(key, out var value)
            ? value
            : throw reference.Error("name", $"names the secret '{secret}' (key '{key}'), which is not there");
    }
}
