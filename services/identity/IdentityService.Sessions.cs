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
        // Only the database folds letters: it did so when the account was opened, and in its own way.
        var email = request.Email.Trim();
        await CheckNotLockedAsync(email, context.CancellationToken);

        var account = await db.OneAsync(
            LoginUserSql,
            [email],
            row => new Account(row.GetGuid(0), row.GetString(1), row.GetFieldValue<string[]>(2)),
            context.CancellationToken
        );
        var matches = await passwords.VerifyAsync(
            request.Password,
            account?.PasswordHash ?? PasswordHasher.NobodysHash,
            context.CancellationToken
        );
        if (account is null || !matches)
            throw await FailedAsync(email, context.CancellationToken);
        // Again, as many guesses at once all passed the first time: beyond the limit a right one looks like
        // the wrong ones.
        await CheckNotLockedAsync(email, context.CancellationToken);
        return await db.InTransactionAsync(
            async tx =>
            {
                tx.Defer(LoginUserSucceededSql, [email]);
                return await OpenSessionAsync(tx, account.Id, account.Roles, familyId: Ids.New(clock));
            },
            context.CancellationToken
        );
    }

    private const string LoginUserSql =
        "select id, password_hash, roles from users where email_key = lower($1)";

    /// <summary>Counts a failed sign-in; what the caller is told.</summary>
    private async Task<Exception> FailedAsync(string email, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var counted = await db.OneAsync(
            LoginUserFailedSql,
            [email, now, now - FailureWindow],
            row => (Failures: row.GetInt32(0), Since: row.Instant(1)),
            cancellationToken
        );
        return counted is { Failures: > FailuresMax } beyond
            ? Locked(beyond.Since, now)
            : Fault.Unauthenticated(Reason.BadCredentials, "The address and the password do not match.");
    }

    private const string LoginUserFailedSql = """
        insert into sign_in_failure as f (email_key, failures, first_failed_at)
        values (lower($1), 1, $2)
            on conflict (email_key) do update
           set failures = case when f.first_failed_at < $3 then 1 else f.failures + 1 end,
               first_failed_at = case when f.first_failed_at < $3 then $2 else f.first_failed_at end
        returning failures, first_failed_at
        """;

    private const string LoginUserSucceededSql = "delete from sign_in_failure where email_key = lower($1)";

    private async Task CheckNotLockedAsync(string email, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var since = await db.OneAsync(
            LoginUserLockSql,
            [email, FailuresMax, now - FailureWindow],
            row => row.Instant(0),
            cancellationToken
        );
        if (since is { } first)
            throw Locked(first, now);
    }

    private static RpcException Locked(DateTimeOffset since, DateTimeOffset now) =>
        Fault.ResourceExhausted(
            Reason.AccountLocked,
            "Too many sign-ins have failed. Wait a little.",
            since + FailureWindow - now
        );

    private const string LoginUserLockSql = """
        select first_failed_at
          from sign_in_failure
         where email_key = lower($1) and failures >= $2 and first_failed_at >= $3
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
        var batch = new DbBatch(tx);
        batch.Add(SessionsLockSql, [hash], row => row.GetInt32(0));
        var found = batch.Add(
            RefreshTokensSql,
            [hash, now],
            row => new RefreshToken(
                row.GetGuid(0),
                row.GetGuid(1),
                row.GetBoolean(2),
                row.GetFieldValue<string[]>(3)
            )
        );
        await batch.RunAsync();
        var token =
            found.FirstOrDefault()
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
        """;

    // Changes of one person's sessions take turns: of two uses of a token at the same moment the second finds
    // it spent, and whoever ends a family ends the token that is just being issued in it, too.
    private const string SessionsLockSql = """
        select 1 from users
         where id = (select user_id from refresh_token where token_hash = $1)
           for no key update
        """;

    private const string RefreshTokensSpendSql =
        "update refresh_token set spent_at = $2 where token_hash = $1";

    private const string RefreshTokensRevokeSql = """
        update refresh_token set revoked_at = $2 where family_id = $1 and revoked_at is null
        """;

    /// <inheritdoc />
    public override async Task<Empty> LogoutUser(LogoutUserRequest request, ServerCallContext context)
    {
        var hash = Hash(request.RefreshToken);
        await db.InTransactionAsync(
            async tx =>
            {
                await tx.ExecuteAsync(SessionsLockSql, [hash], tx.CancellationToken);
                tx.Defer(LogoutUserSql, [hash, clock.GetUtcNow()]);
            },
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
