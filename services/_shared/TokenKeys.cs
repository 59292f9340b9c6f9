using System.Security.Cryptography;

namespace Souk.Shared;

/// <summary>A public key that tokens may be signed with: a point on P-256.</summary>
public sealed record TokenKey(string KeyId, byte[] X, byte[] Y)
{
    private readonly Lock _gate = new();
    private ECDsa? _key;

    /// <summary>Whether the signature over the data is this key's.</summary>
    public bool Verifies(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        // An ECDsa object is not promised to be thread safe. Verified tokens are cached, so the gate is
        // rarely passed.
        lock (_gate)
        {
            _key ??= ECDsa.Create(
                new ECParameters
                {
                    Curve = ECCurve.NamedCurves.nistP256,
                    Q = new ECPoint { X = X, Y = Y },
                }
            );
            return _key.VerifyData(data, signature, HashAlgorithmName.SHA256);
        }
    }
}

/// <summary>
/// Where the public keys come from: through the mesh, or, in the service that owns them, its own tables.
/// </summary>
public interface ITokenKeySource
{
    /// <summary>All keys that are valid now.</summary>
    Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token);
}
