using Grpc.Core;
using Souk.Identity.V1;
using Souk.Options.V1;

namespace Souk.Identity;

internal sealed partial class IdentityService
{
    /// <inheritdoc />
    public override async Task<User> RegisterUser(RegisterUserRequest request, ServerCallContext context)
    {
        var name = request.Name.Trim();
        var email = request.Email.Trim();
        if (name.Length == 0)
            throw Fault.InvalidArgument("name", "is required");
        if (!IsAddress(email))
            throw Fault.InvalidArgument("email", "must look like name@example.com");
        if (PasswordRules.Problem(request.Password, email) is { } problem)
            throw Fault.InvalidArgument(Reason.WeakPassword, "password", problem);

        // Hashed before the address is looked at: a taken address must not answer faster than a free one
        // (U-01).
        var hash = await passwords.HashAsync(request.Password, context.CancellationToken);
        return await db.OneAsync(
                RegisterUserSql,
                [Ids.New(clock), name, email, hash, new[] { RoleSet.Name(Role.Buyer) }, clock.GetUtcNow()],
                ReadUser,
                context.CancellationToken
            ) ?? throw Fault.AlreadyExists(Reason.EmailTaken, "An account has this address.");
    }

    private const string RegisterUserSql = """
        insert into users (id, name, email, password_hash, roles, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)
            on conflict on constraint users_email_key do nothing
        returning id, name, email, roles, created_at
        """;

    /// <inheritdoc />
    public override async Task<User> SetUserRoles(SetUserRolesRequest request, ServerCallContext context)
    {
        var id = Ids.Parse(UserPrefix, request.UserId);
        if (request.Roles.Any(role => role is < Role.Buyer or > Role.Admin))
            throw Fault.InvalidArgument("roles", "takes buyer, seller, moderator, operator and admin");
        var names = request.Roles.Distinct().Order().Select(RoleSet.Name).ToArray();
        return await db.InTransactionAsync(
            async tx =>
            {
                var changed =
                    await tx.OneAsync(
                        SetUserRolesSql,
                        [id, names, clock.GetUtcNow()],
                        row => new RolesChanged(ReadUser(row), WasSeller: row.GetBoolean(5)),
                        tx.CancellationToken
                    ) ?? throw Fault.NotFound("user", request.UserId);
                if (changed.WasSeller && !changed.User.Roles.Contains(Role.Seller))
                    await ChangeSellerAsync(tx, id, SellerStatus.Suspended);
                return changed.User;
            },
            context.CancellationToken
        );
    }

    private const string SetUserRolesSql = """
        with before as (select roles from users where id = $1 for update)
        update users set roles = $2, updated_at = $3
          from before
         where id = $1
        returning id, name, email, users.roles, created_at, 'seller' = any(before.roles)
        """;

    private sealed record RolesChanged(User User, bool WasSeller);

    // Only delivery proves an address; this catches what cannot be one.
    private static bool IsAddress(string email)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        return at > 0
            && at == email.LastIndexOf('@')
            && at < email.Length - 1
            && !email.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter));
    }
}
