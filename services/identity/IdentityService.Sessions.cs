using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Identity.V1;
using Souk.Options.V1;

namespace Souk.Identity;

internal sealed partial class IdentityService
{
    private const int FailuresMax = 10;
    private const int RefreshTokenBytes = 32;
    private static readonly TimeSpan FailureWindow = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan RefreshLifetime = TimeSpan.FromDays(7);

    /// <inheritdoc />
    public override async Task<TokenSet> LoginUser(LoginUserRequest request, ServerCallContext context)
    {
        var key = request.Email.Trim().ToLowerInvariant();
        var now = clock.GetUtcNow();
        await CheckNotLockedAsync(key, now, context.CancellationToken);

        var account = await db.OneAsync(
            LoginUserSql,
            [key],
            row => new Account(row.GetGuid(0), row.GetString(1), row.GetFieldValue<string[]>(2)),
            context.CancellationToken
        );
        var matches = await passwords.VerifyAsync(
            request.Password,
            account?.PasswordHash ?? PasswordHasher.NobodysHash,
            context.CancellationToken
        );
        if (account is null || !matches)
        {
            await db.ExecuteAsync(
                LoginUserFailedSql,
                [key, now, now - FailureWindow],
                context.CancellationToken
            );
            throw Fault.Unauthenticated(Reason.BadCredentials, "The address and the password do not match.");
        }

        return await db.InTransactionAsync(
            async tx =>
            {
                tx.Defer(LoginUserSucceededSql, [key]);
                return await OpenSessionAsync(tx, account.Id, account.Roles, familyId: Ids.New(clock));
            },
            context.CancellationToken
        );
    }

    private const string LoginUserSql = "select id, password_hash, roles from users where email_key = $1";

    private const string LoginUserFailedSql = """
        insert into sign_in_failure as f (email_key, failures, first_failed_at)
        values ($1, 1, $2)
            on conflict (email_key) do update
           set failures = case when f.first_failed_at < $3 then 1 else f.failures + 1 end,
               first_failed_at = case when f.first_failed_at < $3 then $2 else f.first_failed_at end
        """;

    private const string LoginUserSucceededSql = "delete from sign_in_failure where email_key = $1";

    private async Task CheckNotLockedAsync(
        string key,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        var since = await db.OneAsync(
            LoginUserLockSql,
            [key, FailuresMax, now - FailureWindow],
            row => row.Instant(0),
            cancellationToken
        );
        if (since is { } first)
        {
            throw Fault.ResourceExhausted(
                Reason.AccountLocked,
                "Too many sign-ins have failed. Wait a little.",
                first + FailureWindow - now
            );
        }
    }

    private const string LoginUserLockSql = """
        select first_failed_at from sign_in_failure where email_key = $1 and failures >= $2
          and first_failed_at >= $3
        """;

    /// <inheritdoc />
    public override async Task<TokenSet> RefreshTokens(
        RefreshTokensRequest request,
        ServerCallContext context
    )
    {
        var outcome = await db.InTransactionAsync(
            tx => SpendAsync(tx, Hash(request.RefreshToken)),
            context.CancellationToken
        );
        // The family's end must commit, so the error is thrown out here.
        return outcome
            ?? throw Fault.Unauthenticated(
                Reason.RefreshReused,
                "This refresh token was used before. Every session that came from it has ended; sign in again."
            );
    }

    /// <summary>New tokens for an unspent one; null after a spent one has ended its family.</summary>
    private async Task<TokenSet?> SpendAsync(DbTransaction tx, byte[] hash)
    {
        var now = clock.GetUtcNow();
        // The row lock makes two uses at the same moment take turns: the second finds the token spent.
        var token =
            await tx.OneAsync(
                RefreshTokensSql,
                [hash, now],
                row => new RefreshToken(
                    row.GetGuid(0),
                    row.GetGuid(1),
                    row.GetBoolean(2),
                    row.GetFieldValue<string[]>(3)
                ),
                tx.CancellationToken
            )
            ?? throw Fault.Unauthenticated(
                Reason.RefreshInvalid,
                "The refresh token is unknown, has expired or was revoked."
            );
        if (token.Spent)
        {
            tx.Defer(RefreshTokensRevokeSql, [token.FamilyId, now]);
            return null;
        }

        tx.Defer(RefreshTokensSpendSql, [hash, now]);
        return await OpenSessionAsync(tx, token.UserId, token.Roles, token.FamilyId);
    }

    private const string RefreshTokensSql = """
        select t.family_id, t.user_id, t.spent_at is not null, u.roles
          from refresh_token t
          join users u on u.id = t.user_id
         where t.token_hash = $1 and t.revoked_at is null and t.expires_at > $2
           for update of t
        """;

    private const string RefreshTokensSpendSql =
        "update refresh_token set spent_at = $2 where token_hash = $1";

    private const string RefreshTokensRevokeSql = """
        update refresh_token set revoked_at = $2 where family_id = $1 and revoked_at is null
        """;

    /// <inheritdoc />
    public override async Task<Empty> LogoutUser(LogoutUserRequest request, ServerCallContext context)
    {
        await db.ExecuteAsync(
            LogoutUserSql,
            [Hash(request.RefreshToken), clock.GetUtcNow()],
            context.CancellationToken
        );
        return new Empty();
    }

    private const string LogoutUserSql = """
        update refresh_token set revoked_at = $2
         where family_id = (select family_id from refresh_token where token_hash = $1) and revoked_at is null
        """;

    /// <inheritdoc />
    public override async Task<TokenSet> CreateGuest(CreateGuestRequest request, ServerCallContext context)
    {
        var id = Ids.New("guest", clock);
        return new TokenSet
        {
            UserId = id,
            AccessToken = await tokens.IssueAsync(
                id,
                RoleSet.Of(Role.Guest),
                TokenIssuer.GuestLifetime,
                context.CancellationToken
            ),
            TokenType = "Bearer",
            ExpiresIn = (int)TokenIssuer.GuestLifetime.TotalSeconds,
        };
    }

    private async Task<TokenSet> OpenSessionAsync(
        DbTransaction tx,
        Guid userId,
        string[] roles,
        Guid familyId
    )
    {
        var now = clock.GetUtcNow();
        var refreshToken = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RefreshTokenBytes));
        tx.Defer(OpenSessionSql, [Hash(refreshToken), familyId, userId, now, now + RefreshLifetime]);
        var subject = Ids.Text(UserPrefix, userId);
        return new TokenSet
        {
            UserId = subject,
            AccessToken = await tokens.IssueAsync(
                subject,
                RoleSet.OfNames(roles),
                TokenIssuer.AccessLifetime,
                tx.CancellationToken
            ),
            RefreshToken = refreshToken,
            TokenType = "Bearer",
            ExpiresIn = (int)TokenIssuer.AccessLifetime.TotalSeconds,
        };
    }

    private const string OpenSessionSql = """
        insert into refresh_token (token_hash, family_id, user_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5)
        """;

    // 256 random bits need no salt and no slow hash: there is nothing to guess.
    private static byte[] Hash(string refreshToken) => SHA256.HashData(Encoding.UTF8.GetBytes(refreshToken));

    private sealed record Account(Guid Id, string PasswordHash, string[] Roles);

    private sealed record RefreshToken(Guid FamilyId, Guid UserId, bool Spent, string[] Roles);
}
