using System.Buffers.Text;
using Grpc.Core;
using Souk.Identity.V1;

namespace Souk.Shared;

/// <summary>Token keys and service tokens from the service that owns them, through the mesh.</summary>
internal sealed class MeshIdentity(Mesh mesh, ServiceSettings settings) : ITokenKeySource, IServiceTokenSource
{
    private const string AppId = "identity";
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(3);

    private readonly IdentityService.IdentityServiceClient _client =
        mesh.Client<IdentityService.IdentityServiceClient>(AppId);

    public async Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token)
    {
        var set = await _client.GetKeySetAsync(new GetKeySetRequest(), Options(token));
        return
        [
            .. set
                .Keys.Where(key => key is { Kty: "EC", Crv: "P-256" })
                .Select(key => new TokenKey(
                    key.Kid,
                    Base64Url.DecodeFromChars(key.X),
                    Base64Url.DecodeFromChars(key.Y)
                )),
        ];
    }

    public async Task<ServiceToken> IssueAsync(CancellationToken token)
    {
        var request = new IssueServiceTokenRequest { AppId = settings.AppId, Secret = settings.MeshSecret };
        var issued = await _client.IssueServiceTokenAsync(request, Options(token));
        return new ServiceToken(issued.AccessToken, TimeSpan.FromSeconds(issued.ExpiresIn));
    }

    private static CallOptions Options(CancellationToken token) =>
        new(null, TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout, token);
}
