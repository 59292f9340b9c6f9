using Grpc.Core;
using Souk.Type;

namespace Souk.Shared;

/// <summary>
/// Who may call: verifies the token, attaches the caller, compares its roles with the contract's.
/// </summary>
internal sealed class AccessCheck(TokenVerifier verifier, ServiceSettings settings)
{
    private const string Scheme = "Bearer ";
    private const string CallbackService = "/dapr.proto.runtime.v1.AppCallback";

    internal async ValueTask CheckAsync(MethodPlan plan, ServerCallContext context)
    {
        if (plan.IsInfrastructure)
        {
            CheckSidecar(context);
            return;
        }
        if (context.RequestHeaders.GetValue("authorization") is not { Length: > 0 } header)
        {
            if (!plan.IsPublic)
                throw Fault.Unauthenticated(Reason.TokenMissing, "The call needs an access token.");
            return;
        }
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Fault.Unauthenticated(Reason.TokenInvalid, "The authorization must be a bearer token.");
        var caller = await verifier.VerifyAsync(header[Scheme.Length..], context.CancellationToken);
        caller.Attach(context);
        if (!plan.IsPublic && !plan.IsForAnybody && !plan.Roles.Overlaps(caller.Roles))
        {
            throw Fault.PermissionDenied(
                Reason.RoleRequired,
                "None of the caller's roles may call this.",
                ("roles", plan.Roles.ToString())
            );
        }
    }

    // Events are believed without a token of a user, so they must come from the own sidecar where it has a
    // secret.
    private void CheckSidecar(ServerCallContext context)
    {
        if (settings.AppApiToken.Length == 0)
            return;
        if (!context.Method.StartsWith(CallbackService, StringComparison.Ordinal))
            return;
        if (context.RequestHeaders.GetValue("dapr-api-token") != settings.AppApiToken)
            throw Fault.Unauthenticated(Reason.TokenInvalid, "Only the own sidecar may call this.");
    }
}
