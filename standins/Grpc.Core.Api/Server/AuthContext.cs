using System.Text;

namespace Grpc.Core;

/// <summary>What a connection proves about its other end, mostly from a client certificate.</summary>
public class AuthContext
{
    private readonly Dictionary<string, List<AuthProperty>> _properties;

    /// <summary>Creates a context; without an identity property the peer counts as unknown.</summary>
    public AuthContext(string? peerIdentityPropertyName, Dictionary<string, List<AuthProperty>> properties)
    {
        ArgumentNullException.ThrowIfNull(properties);
        PeerIdentityPropertyName = peerIdentityPropertyName;
        _properties = properties;
    }

    /// <summary>Whether the peer has proven who it is.</summary>
    public bool IsPeerAuthenticated => PeerIdentityPropertyName is not null;

    /// <summary>The name of the properties that say who the peer is.</summary>
    public string? PeerIdentityPropertyName { get; }

    /// <summary>
    /// The properties that say who the peer is; several if its certificate has several names.
    /// </summary>
    public IEnumerable<AuthProperty> PeerIdentity =>
        PeerIdentityPropertyName is null ? [] : FindPropertiesByName(PeerIdentityPropertyName);

    /// <summary>All that is known.</summary>
    public IEnumerable<AuthProperty> Properties => _properties.Values.SelectMany(properties => properties);

    /// <summary>The properties with this name; none if there are none.</summary>
    public IEnumerable<AuthProperty> FindPropertiesByName(string propertyName) =>
        _properties.TryGetValue(propertyName, out var found) ? found : [];
}

/// <summary>One thing known about a peer.</summary>
public class AuthProperty
{
    private readonly byte[] _bytes;
    private string? _text;

    private AuthProperty(string name, byte[] bytes)
    {
        Name = name;
        _bytes = bytes;
    }

    /// <summary>What it is about.</summary>
    public string Name { get; }

    /// <summary>The value read as UTF-8.</summary>
    public string Value => _text ??= Encoding.UTF8.GetString(_bytes);

    /// <summary>A copy of the value.</summary>
    public byte[] ValueBytes => _bytes.AsSpan().ToArray();

    /// <summary>Creates a property from a copy of the bytes.</summary>
    public static AuthProperty Create(string name, byte[] valueBytes)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(valueBytes);
        return new AuthProperty(name, valueBytes.AsSpan().ToArray());
    }
}
