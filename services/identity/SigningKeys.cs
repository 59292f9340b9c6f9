using System.Security.Cryptography;
using System.Text;

namespace Souk.Identity;

/// <summary>
/// The keys that sign tokens. They live in the database so that every replica signs with the same one, the
/// private half sealed by AES-256-GCM under a key derived from the mesh secret. A key signs for 30 days and
/// verifies 8 days longer, a day more than the longest token that it signed.
/// </summary>
internal sealed class SigningKeys(Db db, ServiceSettings settings, TimeProvider clock)
    : ITokenKeySource,
        IDisposable
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private static readonly TimeSpan SignsFor = TimeSpan.FromDays(30);
    private static readonly TimeSpan VerifiesOn = TimeSpan.FromDays(8);
    private static readonly TimeSpan RereadAfter = TimeSpan.FromMinutes(1);

    private readonly byte[] _sealingKey = HKDF.DeriveKey(
        HashAlgorithmName.SHA256,
        Encoding.UTF8.GetBytes(settings.MeshSecret),
        outputLength: 32,
        info: "souk signing keys"u8.ToArray()
    );
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Signer? _signer;

    /// <summary>The key that signs now; made when there is none or the last one's time is over.</summary>
    public async Task<Signer> CurrentAsync(CancellationToken cancellationToken)
    {
        if (_signer is { } known && clock.GetUtcNow() - known.ReadAt < RereadAfter)
        {
            return known;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_signer is { } fresh && clock.GetUtcNow() - fresh.ReadAt < RereadAfter)
            {
                return fresh;
            }

            _signer = await ReadOrMakeAsync(cancellationToken);
            return _signer;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token)
    {
        // Makes the first key when nobody has signed yet: whoever asks keeps the answer for a while.
        await CurrentAsync(token);
        return await db.ListAsync(
            GetKeySetSql,
            [clock.GetUtcNow() - VerifiesOn],
            row => new TokenKey(row.GetString(0), row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2)),
            token
        );
    }

    private const string GetKeySetSql = """
        select key_id, x, y
          from signing_key
         where retired_at is null or retired_at > $1
         order by created_at desc, key_id
         limit 20
        """;

    public void Dispose() => _gate.Dispose();

    private async Task<Signer> ReadOrMakeAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await db.ExecuteAsync(RetireSigningKeySql, [now, now - SignsFor], cancellationToken);
        if (await ReadAsync(now, cancellationToken) is { } current)
        {
            return current;
        }

        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = made.ExportParameters(includePrivateParameters: false).Q;
        // Of replicas that make one at the same moment the first wins; the others read its key below.
        await db.ExecuteAsync(
            InsertSigningKeySql,
            [Ids.New("key", clock), Seal(made.ExportPkcs8PrivateKey()), point.X, point.Y, now],
            cancellationToken
        );
        return await ReadAsync(now, cancellationToken)
            ?? throw new InvalidOperationException("The signing key that was just made is gone.");
    }

    private Task<Signer?> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        db.OneAsync(
            GetSigningKeySql,
            [],
            row =>
            {
                var key = ECDsa.Create();
                key.ImportPkcs8PrivateKey(Unseal(row.GetFieldValue<byte[]>(1)), out _);
                return new Signer(row.GetString(0), key, now);
            },
            cancellationToken
        );

    private const string RetireSigningKeySql = """
        update signing_key set retired_at = $1 where retired_at is null and created_at < $2
        """;
    private const string GetSigningKeySql = """
        select key_id, sealed_private_key from signing_key where retired_at is null
        """;
    private const string InsertSigningKeySql = """
        insert into signing_key (key_id, sealed_private_key, x, y, created_at)
        values ($1, $2, $3, $4, $5)
            on conflict do nothing
        """;

    private byte[] Seal(byte[] plain)
    {
        var box = new byte[NonceBytes + TagBytes + plain.Length];
        var nonce = box.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_sealingKey, TagBytes);
        aes.Encrypt(nonce, plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes));
        return box;
    }

    private byte[] Unseal(byte[] box)
    {
        var plain = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_sealingKey, TagBytes);
        try
        {
            aes.Decrypt(
                box.AsSpan(0, NonceBytes),
                box.AsSpan(NonceBytes + TagBytes),
                box.AsSpan(NonceBytes, TagBytes),
                plain
            );
        }
        catch (AuthenticationTagMismatchException wrongKey)
        {
            throw new InvalidOperationException(
                "SOUK_MESH_SECRET is not the secret that sealed the signing key: restore it, or empty signing_key and "
                    + "have everybody sign in again.",
                wrongKey
            );
        }

        return plain;
    }
}

/// <summary>A private key, its name, and when it was read from the database.</summary>
internal sealed record Signer(string KeyId, ECDsa Key, DateTimeOffset ReadAt)
{
    private readonly Lock _gate = new();

    /// <summary>The ES256 signature: r and s, 32 bytes each (RFC 7518 section 3.4).</summary>
    public byte[] Sign(byte[] data)
    {
        lock (_gate)
        {
            return Key.SignData(data, HashAlgorithmName.SHA256);
        }
    }
}
