using Souk.Sidecar.Files;

namespace Souk.Sidecar;

/// <summary>
/// What the Configuration files of an app say, as far as this runtime heeds it. Of a member that is in
/// several files the last one counts.
/// </summary>
internal sealed record AppConfiguration
{
    public AccessControl Access { get; private init; } = AccessControl.Everybody;

    public SecretScopes Secrets { get; private init; } = SecretScopes.All;

    /// <summary>Names of the features that are switched on: they are listed, and that is all.</summary>
    public IReadOnlyList<string> Features { get; private init; } = [];

    public static AppConfiguration None { get; } = new();

    public static AppConfiguration Load(IEnumerable<string> files)
    {
        var configuration = None;
        foreach (var document in files.SelectMany(LoadAll))
        {
            if (document.Text("kind") is { } kind and not "Configuration")
                throw document.Error("kind", $"must be Configuration, not '{kind}'");
            if (document.Map("spec") is not { } spec)
                continue;
            if (spec.Map("accessControl") is { } access)
                configuration = configuration with { Access = AccessControl.Read(access) };
            if (spec.Map("secrets") is { } secrets)
                configuration = configuration with { Secrets = SecretScopes.Read(secrets) };
            if (spec.Has("features"))
                configuration = configuration with { Features = [.. FeaturesOf(spec)] };
        }
        return configuration;
    }

    private static IEnumerable<string> FeaturesOf(YamlMap spec) =>
        spec.Maps("features")
            .Where(feature => feature.Flag("enabled") == true)
            .Select(feature => feature.Required("name"));

    private static IReadOnlyList<YamlMap> LoadAll(string file) =>
        File.Exists(file)
            ? YamlMap.LoadAll(file)
            : throw new ConfigException($"{file}: no such configuration file");
}

/// <summary>Which secrets of which stores the app may read.</summary>
internal sealed class SecretScopes
{
    private readonly Dictionary<string, Scope> _stores = new(StringComparer.Ordinal);

    public static SecretScopes All { get; } = new();

    public static SecretScopes Read(YamlMap map)
    {
        var scopes = new SecretScopes();
        foreach (var scope in map.Maps("scopes"))
        {
            var access = scope.Text("defaultAccess") ?? "allow";
            if (access is not ("allow" or "deny"))
                throw scope.Error("defaultAccess", $"must be allow or deny, not '{access}'");
            scopes._stores[scope.Required("storeName")] = new Scope(
                access == "allow",
                [.. scope.Texts("allowedSecrets")],
                [.. scope.Texts("deniedSecrets")]
            );
        }
        return scopes;
    }

    /// <summary>A list of allowed secrets allows nothing else, whatever the default.</summary>
    public bool Allows(string store, string secret)
    {
        if (!_stores.TryGetValue(store, out var scope))
            return true;
        if (scope.Allowed.Count > 0)
            return scope.Allowed.Contains(secret);
        return scope.ByDefault && !scope.Denied.Contains(secret);
    }

    private sealed record Scope(bool ByDefault, HashSet<string> Allowed, HashSet<string> Denied);
}
