using Souk.Gateway.Routing;

namespace Souk.Gateway.Caching;

/// <summary>
/// What a remembered reply answers: the route, the request as the service gets it, and the languages asked
/// for. Two spellings of one URL are one key.
/// </summary>
internal sealed class CacheKey : IEquatable<CacheKey>
{
    private readonly Route _route;
    private readonly byte[] _request;
    private readonly string _languages;
    private readonly int _hash;

    public CacheKey(Route route, ReadOnlySpan<byte> request, string languages)
    {
        (_route, _request, _languages) = (route, request.ToArray(), languages);
        // Seeded per process: nobody can make keys that collide.
        var hash = new HashCode();
        hash.Add(route);
        hash.Add(languages);
        hash.AddBytes(request);
        _hash = hash.ToHashCode();
    }

    /// <summary>The request's wire bytes with their prefix.</summary>
    public ReadOnlySpan<byte> Request => _request;

    public int Bytes => _request.Length + _languages.Length * sizeof(char);

    public bool Equals(CacheKey? other) =>
        other is not null
        && _hash == other._hash
        && ReferenceEquals(_route, other._route)
        && _languages == other._languages
        && _request.AsSpan().SequenceEqual(other._request);

    public override bool Equals(object? obj) => Equals(obj as CacheKey);

    public override int GetHashCode() => _hash;
}
