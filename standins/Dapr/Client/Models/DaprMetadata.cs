namespace Dapr.Client;

/// <summary>What a sidecar says about itself.</summary>
public sealed class DaprMetadata(
    string id,
    IReadOnlyList<DaprActorMetadata> actors,
    IDictionary<string, string> extended,
    IReadOnlyList<DaprComponentsMetadata> components
)
{
    /// <summary>The app id.</summary>
    public string Id { get; } = id;

    /// <summary>Active actors.</summary>
    public IReadOnlyList<DaprActorMetadata> Actors { get; } = actors;

    /// <summary>Anything else, the runtime's version among it.</summary>
    public IReadOnlyDictionary<string, string> Extended { get; } = extended.AsReadOnly();

    /// <summary>Loaded components.</summary>
    public IReadOnlyList<DaprComponentsMetadata> Components { get; } = components;
}

/// <summary>How many actors of a type are active.</summary>
public sealed class DaprActorMetadata(string type, int count)
{
    /// <summary>The actor type.</summary>
    public string Type { get; } = type;

    /// <summary>How many are active.</summary>
    public int Count { get; } = count;
}

/// <summary>A loaded component.</summary>
public sealed class DaprComponentsMetadata(string name, string type, string version, string[] capabilities)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Its type, such as state.redis.</summary>
    public string Type { get; } = type;

    /// <summary>Its version.</summary>
    public string Version { get; } = version;

    /// <summary>What it can do, such as TRANSACTIONAL.</summary>
    public string[] Capabilities { get; } = capabilities;
}
