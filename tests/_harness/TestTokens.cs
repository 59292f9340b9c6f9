using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.Options.V1;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>Who a test calls as.</summary>
internal sealed record TestCaller(string UserId, params Role[] Roles)
{
    /// <summary>Somebody new with these roles.</summary>
    internal static TestCaller New(params Role[] roles) => new($"user_{Guid.CreateVersion7():N}", roles);

    internal static TestCaller Guest() => New(Role.Guest);

    internal static TestCaller Buyer() => New(Role.Buyer);

    internal static TestCaller Seller() => New(Role.Seller);

    internal static TestCaller Operator() => New(Role.Operator);

    internal static TestCaller Admin() => New(Role.Admin);

    internal static TestCaller Service(string appId) => new($"svc_{appId}", Role.Service);
}

/// <summary>
/// Signs tokens as the mesh's identity does, with a key of its own that every service under test trusts.
/// </summary>
internal sealed class TestTokens(TimeProvider clock) : IDisposable
{
    internal const string KeyId = "test-key";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>The public half.</summary>
    internal TokenKey PublicKey
    {
        get
        {
            var point = _key.ExportParameters(false).Q;
            return new TokenKey(KeyId, point.X!, point.Y!);
        }
    }

    /// <summary>A good token.</summary>
    internal string Mint(TestCaller caller, TimeSpan? validFor = null) =>
        Sign(Claims(caller, validFor ?? TimeSpan.FromMinutes(15)));

    /// <summary>The claims of a good token, for tests that spoil one.</summary>
    internal Dictionary<string, object> Claims(TestCaller caller, TimeSpan validFor)
    {
        var now = clock.GetUtcNow();
        return new Dictionary<string, object>
        {
            ["iss"] = TokenVerifier.Issuer,
            ["aud"] = TokenVerifier.Issuer,
            ["sub"] = caller.UserId,
            ["roles"] = caller.Roles.Select(RoleSet.Name).ToArray(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + validFor).ToUnixTimeSeconds(),
        };
    }

    /// <summary>Signs claims under a header of the test's choice.</summary>
    internal string Sign(Dictionary<string, object> claims, string alg = "ES256", string keyId = KeyId)
    {
        var header = Encode(
            new Dictionary<string, object>
            {
                ["alg"] = alg,
                ["typ"] = "JWT",
                ["kid"] = keyId,
            }
        );
        var signed = $"{header}.{Encode(claims)}";
        var signature = _key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public void Dispose() => _key.Dispose();

    private static string Encode(Dictionary<string, object> json) =>
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
