using Souk.Gateway.Routing;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Security;

/// <summary>
/// Refuses early what the service would refuse too: a call without a good token, or without a role that the
/// contract asks for.
/// </summary>
internal sealed class AccessGate(TokenVerifier tokens)
{
    private const string Scheme = "Bearer ";

    /// <summary>
    /// The caller; UNAUTHENTICATED or PERMISSION_DENIED when the contract does not let them in.
    /// </summary>
    public async ValueTask<Caller> AdmitAsync(Rpc rpc, string? authorization, CancellationToken token)
    {
        if (string.IsNullOrEmpty(authorization))
        {
            return rpc.IsPublic
                ? Caller.Anonymous
                : throw Fault.Unauthenticated(Reason.TokenMissing, "The call needs an access token.");
        }
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Fault.Unauthenticated(Reason.TokenInvalid, "The authorization must be a bearer token.");
        var caller = await tokens.VerifyAsync(authorization[Scheme.Length..], token);
        if (rpc.IsPublic || rpc.Access is { Authenticated: true } || rpc.Roles.Overlaps(caller.Roles))
            return caller;
        throw Fault.PermissionDenied(
            Reason.RoleRequired,
            "None of the caller's roles may call this.",
            ("roles", string.Join(' ', rpc.Roles.Names()))
        );
    }
}
