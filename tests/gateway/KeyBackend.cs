using Grpc.Core;
using Souk.Identity.V1;
using Souk.Shared;

namespace Souk.Tests.Gateway;

/// <summary>Identity as far as the gateway needs it: the key set, while it is there.</summary>
internal sealed class KeyBackend : IdentityService.IdentityServiceBase
{
    private volatile IReadOnlyList<TokenKey> _keys = [];

    /// <summary>Whether it answers as one that restarts.</summary>
    public bool IsAway { get; set; }

    /// <summary>The keys that tokens may be signed with from now on.</summary>
    public void Publish(params IReadOnlyList<TokenKey> keys) => _keys = keys;

    public override Task<KeySet> GetKeySet(GetKeySetRequest request, ServerCallContext context)
    {
        if (IsAway)
            throw new RpcException(new Status(StatusCode.Unavailable, "restarting"));
        // A key of another kind, as sets of other owners have them, is not ours to use.
        var set = new KeySet
        {
            Keys =
            {
                new Key { Kty = "RSA", Kid = "rsa" },
            },
        };
        set.Keys.AddRange(_keys.Select(Souk.Identity.IdentityService.KeyOf));
        return Task.FromResult(set);
    }
}
