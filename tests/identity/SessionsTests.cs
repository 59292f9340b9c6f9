using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Souk.Identity;
using Souk.Identity.V1;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Identity;

internal sealed class SessionsTests : IdentityFixture
{
    [Test, Description("U-02 X-03")]
    public async Task LoginUser_RightPassword_GivesTokensThatWork()
    {
        var email = NewEmail();
        var user = await RegisterAsync(email);
        var tokens = await LoginAsync(email.ToUpperInvariant());
        Assert.That(tokens.UserId, Is.EqualTo(user.UserId));
        Assert.That(tokens.TokenType, Is.EqualTo("Bearer"));
        Assert.That(tokens.ExpiresIn, Is.EqualTo(15 * 60));
        var profile = await With(tokens.AccessToken).GetProfileAsync(new GetProfileRequest());
        Assert.That(profile.Email, Is.EqualTo(email));
    }

    [Test, Description("U-02")]
    public async Task LoginUser_UnknownAddressOrWrongPassword_FailTheSameWay()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var wrong = await Failure.OfAsync(() => LoginAsync(email, "not the password"));
        var unknown = await Failure.OfAsync(() => LoginAsync(NewEmail(), "not the password"));
        Assert.That(wrong, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "BAD_CREDENTIALS")));
        Assert.That(unknown, Is.EqualTo(wrong));
        Assert.That(unknown.Error.Status.Detail, Is.EqualTo(wrong.Error.Status.Detail));
    }

    [Test, Description("U-02")]
    public async Task RefreshTokens_Unspent_GivesNewOnesOfTheSameUser()
    {
        var email = NewEmail();
        var user = await RegisterAsync(email);
        var first = await LoginAsync(email);
        var second = await RefreshAsync(first.RefreshToken);
        Assert.That(second.UserId, Is.EqualTo(user.UserId));
        Assert.That(second.RefreshToken, Is.Not.EqualTo(first.RefreshToken));
    }

    [Test, Description("X-03")]
    public async Task RefreshTokens_SpentToken_EndsTheWholeFamily()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var first = await LoginAsync(email);
        var second = await RefreshAsync(first.RefreshToken);
        var reused = await Failure.OfAsync(() => RefreshAsync(first.RefreshToken));
        Assert.That(reused, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "REFRESH_REUSED")));
        var after = await Failure.OfAsync(() => RefreshAsync(second.RefreshToken));
        Assert.That(after, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "REFRESH_INVALID")));
    }

    [Test, Description("X-03")]
    public async Task RefreshTokens_SameTokenInTwentyParallelCalls_IsSpentOnceAtMost()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var session = await LoginAsync(email);
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(async _ =>
                {
                    try
                    {
                        await RefreshAsync(session.RefreshToken);
                        return "ok";
                    }
                    catch (RpcException fault)
                    {
                        return Fault.ReasonOf(fault);
                    }
                })
        );
        Assert.That(outcomes.Count(outcome => outcome == "ok"), Is.EqualTo(1));
        Assert.That(outcomes, Has.All.AnyOf("ok", "REFRESH_REUSED", "REFRESH_INVALID"));
    }

    [TestCase(true)]
    [TestCase(false)]
    [Description("X-03: a family ends with the token that is being issued in it")]
    public async Task RefreshTokens_WhileTheFamilyEnds_LeavesNoTokenAlive(bool endsByReuse)
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var stolen = await LoginAsync(email);
        var current = await RefreshAsync(stolen.RefreshToken);

        // Both calls are held up at the current token's row until both have come that far.
        await using var blocker = await Service.Db.Source.OpenConnectionAsync();
        await using var block = await blocker.BeginTransactionAsync();
        await using (var locking = blocker.CreateCommand())
        {
            locking.CommandText = "select 1 from refresh_token where token_hash = $1 for update";
            locking.Parameters.Add(
                new() { Value = SHA256.HashData(Encoding.UTF8.GetBytes(current.RefreshToken)) }
            );
            await locking.ExecuteNonQueryAsync();
        }

        var renewing = RefreshAsync(current.RefreshToken);
        await WaitingForLocksAsync(1);
        Task ending = endsByReuse
            ? Failure.OfAsync(() => RefreshAsync(stolen.RefreshToken))
            : Anybody
                .LogoutUserAsync(new LogoutUserRequest { RefreshToken = current.RefreshToken })
                .ResponseAsync;
        await WaitingForLocksAsync(2);
        await block.RollbackAsync();
        await ending;

        var renewed = await renewing;
        var after = await Failure.OfAsync(() => RefreshAsync(renewed.RefreshToken));
        Assert.That(after, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "REFRESH_INVALID")));
    }

    private async Task WaitingForLocksAsync(int calls)
    {
        const string waiting = """
            select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and query like '%refresh_token%'
            """;
        await Eventually.ThatAsync(
            async () => await Service.Db.ScalarAsync<long>(waiting, [], CancellationToken.None) >= calls,
            $"{calls} calls that wait for a lock"
        );
    }

    [Test, Description("U-02")]
    public async Task LoginUser_FortyGuessesAtOnce_AreAnsweredUpToTheLimit()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var guesses = await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(i => Failure.OfAsync(() => LoginAsync(email, $"not the password {i}")))
        );
        Assert.That(guesses.Count(guess => guess.Reason == "BAD_CREDENTIALS"), Is.EqualTo(10));
        Assert.That(
            guesses.Select(guess => guess.Reason),
            Has.All.AnyOf("BAD_CREDENTIALS", "ACCOUNT_LOCKED")
        );
        var right = await Failure.OfAsync(() => LoginAsync(email));
        Assert.That(right, Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "ACCOUNT_LOCKED")));
    }

    [TestCase("Jörg.Ünal")]
    [TestCase("İPEK")]
    [TestCase("ΟΔΥΣΣΕΥΣ")]
    [Description("U-02: letters beyond ASCII")]
    public async Task LoginUser_AddressAsItWasGiven_GivesTokens(string name)
    {
        var email = $"{name}.{NewEmail()}";
        var user = await RegisterAsync(email);
        Assert.That((await LoginAsync(email)).UserId, Is.EqualTo(user.UserId));
    }

    [Test]
    public async Task RefreshTokens_Unknown_FailsWithRefreshInvalid()
    {
        var failure = await Failure.OfAsync(() => RefreshAsync("never issued"));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "REFRESH_INVALID")));
    }

    [Test]
    public async Task LogoutUser_OfASession_EndsIt()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var session = await LoginAsync(email);
        await Anybody.LogoutUserAsync(new LogoutUserRequest { RefreshToken = session.RefreshToken });
        var failure = await Failure.OfAsync(() => RefreshAsync(session.RefreshToken));
        Assert.That(failure.Reason, Is.EqualTo("REFRESH_INVALID"));
    }

    [Test]
    public async Task LogoutUser_UnknownToken_IsNoError() =>
        Assert.That(
            await Anybody.LogoutUserAsync(new LogoutUserRequest { RefreshToken = "never issued" }),
            Is.Not.Null
        );

    [Test, Description("CART-10")]
    public async Task CreateGuest_Any_GivesATokenWithTheRoleGuest()
    {
        var guest = await Anybody.CreateGuestAsync(new CreateGuestRequest());
        Assert.That(guest.UserId, Does.StartWith("guest_"));
        Assert.That(guest.RefreshToken, Is.Empty);
        var caller = await Service
            .Get<TokenVerifier>()
            .VerifyAsync(guest.AccessToken, CancellationToken.None);
        Assert.That(caller.Has(Role.Guest), Is.True);
        var failure = await Failure.OfAsync(() =>
            With(guest.AccessToken).GetProfileAsync(new GetProfileRequest())
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED")));
    }

    [Test]
    public async Task IssueServiceToken_WithTheMeshSecret_GivesTheRoleService()
    {
        var issued = await Anybody.IssueServiceTokenAsync(
            new IssueServiceTokenRequest { AppId = "ordering", Secret = Service.Settings.MeshSecret }
        );
        var caller = await Service
            .Get<TokenVerifier>()
            .VerifyAsync(issued.AccessToken, CancellationToken.None);
        Assert.That(caller.UserId, Is.EqualTo("svc_ordering"));
        Assert.That(caller.IsService, Is.True);
    }

    [Test]
    public async Task IssueServiceToken_WrongSecret_FailsWithBadCredentials()
    {
        var failure = await Failure.OfAsync(() =>
            Anybody.IssueServiceTokenAsync(
                new IssueServiceTokenRequest { AppId = "ordering", Secret = "guess" }
            )
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "BAD_CREDENTIALS")));
    }

    [Test]
    public async Task GetKeySet_Any_HasAPublicKeyForES256AndNothingPrivate()
    {
        var set = await Anybody.GetKeySetAsync(new GetKeySetRequest());
        Assert.That(set.Keys, Has.Count.EqualTo(1));
        var key = set.Keys[0];
        Assert.That((key.Kty, key.Crv, key.Use, key.Alg), Is.EqualTo(("EC", "P-256", "sig", "ES256")));
        Assert.That(key.X, Has.Length.EqualTo(43));
        Assert.That(key.Y, Has.Length.EqualTo(43));
    }

    private async Task<TokenSet> RefreshAsync(string token) =>
        await Anybody.RefreshTokensAsync(new RefreshTokensRequest { RefreshToken = token });
}

/// <summary>What depends on the clock has a mesh, and so a clock, of its own.</summary>
[NonParallelizable]
internal sealed class SessionTimesTests : IdentityFixture
{
    [Test, Description("U-02")]
    public async Task LoginUser_TenFailures_LocksTheAddressForAWhile()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        for (var i = 0; i < 10; i++)
            await Failure.OfAsync(() => LoginAsync(email, "not the password"));
        var locked = await Failure.OfAsync(() => LoginAsync(email));
        Assert.That(locked, Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "ACCOUNT_LOCKED")));
        Assert.That(Fault.RetryAfterOf(locked.Error), Is.EqualTo(TimeSpan.FromMinutes(15)));
        Mesh.Clock.Advance(TimeSpan.FromMinutes(16));
        Assert.That((await LoginAsync(email)).AccessToken, Is.Not.Empty);
    }

    [Test, Description("X-03")]
    public async Task GetProfile_TokenOfSixteenMinutesAgo_FailsWithTokenExpired()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var session = await LoginAsync(email);
        Mesh.Clock.Advance(TimeSpan.FromMinutes(16));
        var failure = await Failure.OfAsync(() =>
            With(session.AccessToken).GetProfileAsync(new GetProfileRequest())
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_EXPIRED")));
    }

    [Test, Description("X-03")]
    public async Task RefreshTokens_AfterSevenDays_FailsAndIsForgotten()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var session = await LoginAsync(email);
        Mesh.Clock.Advance(TimeSpan.FromDays(7) + TimeSpan.FromSeconds(1));
        await Service.RunJobAsync<TokenCleanup>();
        var failure = await Failure.OfAsync(async () =>
            await Anybody.RefreshTokensAsync(new RefreshTokensRequest { RefreshToken = session.RefreshToken })
        );
        Assert.That(failure.Reason, Is.EqualTo("REFRESH_INVALID"));
        var left = await Service.Db.ScalarAsync<long>(
            "select count(*) from refresh_token where user_id = $1",
            [Ids.Parse("user", session.UserId)],
            CancellationToken.None
        );
        Assert.That(left, Is.Zero);
    }

    [Test]
    public async Task GetKeySet_AfterThirtyDays_HasANewKeyAndStillTheOldOne()
    {
        var before = await Anybody.GetKeySetAsync(new GetKeySetRequest());
        Mesh.Clock.Advance(TimeSpan.FromDays(31));
        var after = await Anybody.GetKeySetAsync(new GetKeySetRequest());
        Assert.That(after.Keys, Has.Count.EqualTo(2));
        Assert.That(after.Keys[0].Kid, Is.Not.EqualTo(before.Keys[0].Kid));
        Assert.That(after.Keys[1].Kid, Is.EqualTo(before.Keys[0].Kid));
    }
}
