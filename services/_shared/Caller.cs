using Grpc.Core;
using Souk.Options.V1;

namespace Souk.Shared;

/// <summary>Who calls: read from the verified token, never from the request.</summary>
public sealed record Caller
{
    /// <summary>Nobody in particular: a public RPC called without a token.</summary>
    public static Caller Anonymous { get; } = new() { UserId = "", Roles = RoleSet.None };

    /// <summary>
    /// The token's subject in wire form, such as "user_0198…" or "svc_&lt;app id&gt;"; empty for nobody.
    /// </summary>
    public required string UserId { get; init; }

    /// <summary>What the caller may do.</summary>
    public required RoleSet Roles { get; init; }

    /// <summary>When the token ends.</summary>
    public DateTimeOffset ExpiresAt { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>Whether there is no token.</summary>
    public bool IsAnonymous => UserId.Length == 0;

    /// <summary>Whether a process of the mesh calls for itself.</summary>
    public bool IsService => Has(Role.Service);

    /// <summary>Whether the caller runs the shop: operators, admins and the mesh itself.</summary>
    public bool IsStaff => Roles.Overlaps(RoleSet.Staff);

    /// <summary>Whether the caller has the role.</summary>
    public bool Has(Role role) => Roles.Contains(role);

    /// <summary>Whether the caller is this user, or may act for every user.</summary>
    public bool MaySee(string userId) => UserId == userId || IsStaff;

    /// <summary>The user's id as stored; fails for callers that are no person.</summary>
    public Guid UserGuid =>
        Ids.TryParse("user", UserId, out var id)
            ? id
            : throw Fault.PermissionDenied(Souk.Type.Reason.RoleRequired, "Only a person may call this.");

    /// <summary>The caller of this call.</summary>
    public static Caller Of(ServerCallContext context) =>
        context.UserState.TryGetValue(typeof(Caller), out var caller) ? (Caller)caller : Anonymous;

    internal void Attach(ServerCallContext context) => context.UserState[typeof(Caller)] = this;
}
