using Souk.Sidecar.Files;
using Souk.Sidecar.Secrets;

namespace Souk.Sidecar.Components;

/// <summary>
/// Turns a Component document into a <see cref="ComponentSpec"/>, resolving its references.
/// </summary>
internal sealed class ComponentReader(Func<string, string?> environment, TimeProvider clock)
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
        var lines = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase)
        {
            ["type"] = spec.LineOf("type"),
            ["version"] = spec.LineOf("version"),
        };
        foreach (var item in spec.Maps("metadata"))
        {
            var name = item.Required("name");
            lines[name] = item.Line;
            if (TextOf(document, item) is { } text)
                metadata[name] = Filled(text);
            else
                missing[name] = item.Required("envRef");
        }
        return new ComponentSpec
        {
            Name = head.Required("name"),
            Type = spec.Required("type").ToLowerInvariant(),
            Version = spec.Text("version") is { Length: > 0 } version ? version : "v1",
            File = document.File,
            Line = document.Line,
            Lines = lines,
            Metadata = metadata,
            Missing = missing,
            Scopes = document.Texts("scopes"),
            IgnoreErrors = spec.Flag("ignoreErrors") ?? false,
            InitTimeout = spec.Duration("initTimeout") ?? TimeSpan.FromSeconds(5),
        };
    }

    /// <summary>An HTTPEndpoint, once the secret stores are known that its headers may refer to.</summary>
    public HttpEndpoint ReadEndpoint(YamlMap document) =>
        HttpEndpoint.Read(
            document,
            header =>
                TextOf(document, header)
                ?? throw header.Error("envRef", $"names {header.Text("envRef")}, which is not set")
        );

    // What an item has for a value: its own, a secret's or a variable's; null for a variable that is not set.
    private string? TextOf(YamlMap document, YamlMap item)
    {
        if (item.Map("secretKeyRef") is { } reference)
            return SecretOf(document, reference);
        if (item.Text("envRef") is not { } variable)
            return item.Text("value") ?? "";
        // Dapr keeps its own variables and the app's token out of components.
        if (variable.StartsWith("DAPR_", StringComparison.Ordinal) || variable == "APP_API_TOKEN")
            throw item.Error("envRef", $"may not name {variable}");
        return environment(variable) is { Length: > 0 } value ? value : null;
    }

    // The app's id and its namespace are filled in where they are used: a component may serve many apps.
    private string Filled(string text) =>
        text.Contains('{', StringComparison.Ordinal)
            ? text.Replace("{uuid}", $"{Guid.CreateVersion7(clock.GetUtcNow())}", StringComparison.Ordinal)
                .Replace("{podName}", environment("POD_NAME") ?? "", StringComparison.Ordinal)
            : text;

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
