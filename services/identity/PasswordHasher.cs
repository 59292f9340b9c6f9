using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Generators;

namespace Souk.Identity;

/// <summary>
/// Hashes passwords with scrypt (RFC 7914), which is costly in memory as well as in time. A hash carries its
/// parameters, "scrypt$ln,r,p$salt$hash", so that they can be raised without locking anybody out.
/// </summary>
internal sealed class PasswordHasher : IDisposable
{
    // 16 MiB and about 40 ms on one core of a small machine.
    private const int LogCost = 14;
    private const int BlockSize = 8;
    private const int Parallelization = 1;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;
    private const int QueueMax = 64;

    /// <summary>What a sign-in to an unknown address is checked against, so that it takes as long as a known
    /// one.</summary>
    public static readonly string NobodysHash = Format(new byte[SaltBytes], new byte[HashBytes]);

    // As many hashes at once as half the processors: sign-ins may wait, the rest of the mesh may not.
    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount / 2));
    private int _waiting;

    /// <summary>A new salted hash. RESOURCE_EXHAUSTED/RATE_LIMITED when too many wait already.</summary>
    public Task<string> HashAsync(string password, CancellationToken cancellationToken)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return InSlotAsync(
            () => Format(salt, Derive(password, salt, 1 << LogCost, BlockSize, Parallelization)),
            cancellationToken
        );
    }

    /// <summary>Whether the password gives the hash; the time taken does not depend on the answer.</summary>
    public Task<bool> VerifyAsync(string password, string hash, CancellationToken cancellationToken)
    {
        var parts = hash.Split('$');
        var cost = parts[1]
            .Split(',')
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture))
            .ToArray();
        var salt = Base64Url.DecodeFromChars(parts[2]);
        var expected = Base64Url.DecodeFromChars(parts[3]);
        return InSlotAsync(
            () =>
                CryptographicOperations.FixedTimeEquals(
                    Derive(password, salt, 1 << cost[0], cost[1], cost[2]),
                    expected
                ),
            cancellationToken
        );
    }

    public void Dispose() => _slots.Dispose();

    private async Task<T> InSlotAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > QueueMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw Fault.ResourceExhausted(
                Type.Reason.RateLimited,
                "Too many people are signing in at this moment.",
                TimeSpan.FromSeconds(1)
            );
        }

        try
        {
            await _slots.WaitAsync(cancellationToken);
            try
            {
                return await Task.Run(work, cancellationToken);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    // The same password typed on another device may come in another Unicode form.
    private static byte[] Derive(
        string password,
        byte[] salt,
        int cost,
        int blockSize,
        int parallelization
    ) =>
        SCrypt.Generate(
            Encoding.UTF8.GetBytes(password.Normalize(NormalizationForm.FormKC)),
            salt,
            cost,
            blockSize,
            parallelization,
            HashBytes
        );

    private static string Format(byte[] salt, byte[] hash) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"scrypt${LogCost},{BlockSize},{Parallelization}${Base64Url.EncodeToString(salt)}${Base64Url.EncodeToString(hash)}"
        );
}
