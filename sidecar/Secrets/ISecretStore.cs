namespace Souk.Sidecar.Secrets;

/// <summary>Secrets by name, each a set of keys and values.</summary>
internal interface ISecretStore
{
    IEnumerable<KeyValuePair<string, IReadOnlyDictionary<string, string>>> All { get; }

    /// <summary>Null when there is no such secret.</summary>
    IReadOnlyDictionary<string, string>? Find(string name);
}
