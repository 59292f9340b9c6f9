using Souk.Identity.V1;
using Souk.Options.V1;

namespace Souk.Identity;

/// <summary>Accounts, sign-in and tokens. The RPCs are in the partial files, by resource.</summary>
internal sealed partial class IdentityService(
    Db db,
    PasswordHasher passwords,
    TokenIssuer tokens,
    Outbox outbox,
    ServiceSettings settings,
    TimeProvider clock
) : V1.IdentityService.IdentityServiceBase
{
    /// <summary>The prefix of a person's id.</summary>
    private const string UserPrefix = "user";

    private static User ReadUser(Npgsql.NpgsqlDataReader row)
    {
        var user = new User
        {
            UserId = row.Id(UserPrefix, 0),
            Name = row.GetString(1),
            Email = row.GetString(2),
            CreatedAt = row.Timestamp(4),
        };
        user.Roles.Add(RolesOf(row.GetFieldValue<string[]>(3)));
        return user;
    }

    private static IEnumerable<Role> RolesOf(string[] names)
    {
        var set = RoleSet.OfNames(names);
        return Enum.GetValues<Role>().Where(set.Contains);
    }
}
