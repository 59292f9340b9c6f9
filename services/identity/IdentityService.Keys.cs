using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Souk.Identity.V1;
using ServiceToken = Souk.Identity.V1.ServiceToken;

namespace Souk.Identity;

internal sealed partial class IdentityService
{
    /// <inheritdoc />
    public override async Task<KeySet> GetKeySet(GetKeySetRequest request, ServerCallContext context)
    {
        var set = new KeySet();
        set.Keys.AddRange((await tokens.KeysAsync(context.CancellationToken)).Select(KeyOf));
        return set;
    }

    /// <summary>The key as RFC 7517 and 7518 name its parts.</summary>
    internal static Key KeyOf(TokenKey key) =>
        new()
        {
            Kty = "EC",
            Crv = "P-256",
            Kid = key.KeyId,
            Use = "sig",
            Alg = "ES256",
            X = Base64Url.EncodeToString(key.X),
            Y = Base64Url.EncodeToString(key.Y),
        };

    /// <inheritdoc />
    public override async Task<ServiceToken> IssueServiceToken(
        IssueServiceTokenRequest request,
        ServerCallContext context
    )
    {
        var proves = CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(request.Secret),
            Encoding.UTF8.GetBytes(settings.MeshSecret)
        );
        if (!proves)
            throw Fault.Unauthenticated(Reason.BadCredentials, "The app id and the secret do not match.");
        return new ServiceToken
        {
            AccessToken = await tokens.IssueForServiceAsync(request.AppId, context.CancellationToken),
            ExpiresIn = (int)TokenIssuer.AccessLifetime.TotalSeconds,
        };
    }
}
