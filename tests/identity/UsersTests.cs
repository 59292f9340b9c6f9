using Grpc.Core;
using Souk.Identity.V1;
using Souk.Options.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Identity;

internal sealed class UsersTests : IdentityFixture
{
    [Test, Description("U-01")]
    public async Task RegisterUser_NewAddress_OpensABuyersAccount()
    {
        var email = NewEmail();
        var user = await RegisterAsync(email);
        Assert.That(user.UserId, Does.Match("^user_[0-9a-f]{32}$"));
        Assert.That(user.Email, Is.EqualTo(email));
        Assert.That(user.Roles, Is.EqualTo(new[] { Role.Buyer }));
    }

    [Test, Description("U-01")]
    public async Task RegisterUser_TakenAddressInOtherLetters_FailsWithEmailTaken()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        var failure = await Failure.OfAsync(() => RegisterAsync(email.ToUpperInvariant()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.AlreadyExists, "EMAIL_TAKEN")));
    }

    [Test, Description("U-01")]
    public async Task RegisterUser_SameAddressInTenParallelCalls_OpensOneAccount()
    {
        var email = NewEmail();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(async _ =>
                {
                    try
                    {
                        await RegisterAsync(email);
                        return StatusCode.OK;
                    }
                    catch (RpcException fault)
                    {
                        return fault.StatusCode;
                    }
                })
        );
        Assert.That(outcomes.Count(code => code == StatusCode.OK), Is.EqualTo(1));
        Assert.That(outcomes.Count(code => code == StatusCode.AlreadyExists), Is.EqualTo(9));
    }

    [TestCase("short1")]
    [TestCase("password123")]
    [TestCase("aaaaaaaaaaaa")]
    [Description("U-01")]
    public async Task RegisterUser_WeakPassword_FailsWithWeakPassword(string password)
    {
        var failure = await Failure.OfAsync(() =>
            Anybody.RegisterUserAsync(
                new RegisterUserRequest
                {
                    Name = "Ada",
                    Email = NewEmail(),
                    Password = password,
                }
            )
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "WEAK_PASSWORD")));
    }

    [TestCase("nobody")]
    [TestCase("a@b@c")]
    [TestCase("@example.com")]
    [TestCase("a b@example.com")]
    public async Task RegisterUser_NoAddress_FailsNamingTheField(string email)
    {
        var failure = await Failure.OfAsync(() => RegisterAsync(email));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "email" }));
    }

    [Test, Description("U-04")]
    public async Task RegisterUser_Any_KeepsNoPasswordInTheClear()
    {
        var user = await RegisterAsync();
        var hash = await Service.Db.ScalarAsync<string>(
            "select password_hash from users where email = $1",
            [user.Email],
            CancellationToken.None
        );
        Assert.That(hash, Does.StartWith("scrypt$14,8,1$"));
        Assert.That(hash, Does.Not.Contain(Password));
    }

    [Test, Description("X-05")]
    public async Task SetUserRoles_ByAnAdmin_ShowsInTheNextToken()
    {
        var email = NewEmail();
        var user = await RegisterAsync(email);
        var changed = await As(TestCaller.Admin())
            .SetUserRolesAsync(
                new SetUserRolesRequest { UserId = user.UserId, Roles = { Role.Buyer, Role.Seller } }
            );
        Assert.That(changed.Roles, Is.EqualTo(new[] { Role.Buyer, Role.Seller }));
        var profile = await With((await LoginAsync(email)).AccessToken)
            .GetProfileAsync(new GetProfileRequest());
        Assert.That(profile.Roles, Is.EqualTo(new[] { Role.Buyer, Role.Seller }));
    }

    [Test]
    public async Task SetUserRoles_ServiceRole_IsNoPersons()
    {
        var user = await RegisterAsync();
        var failure = await Failure.OfAsync(() =>
            As(TestCaller.Admin())
                .SetUserRolesAsync(new SetUserRolesRequest { UserId = user.UserId, Roles = { Role.Service } })
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
    }

    [Test]
    public async Task SetUserRoles_UnknownUser_FailsWithNotFound()
    {
        var failure = await Failure.OfAsync(() =>
            As(TestCaller.Admin())
                .SetUserRolesAsync(
                    new SetUserRolesRequest { UserId = TestCaller.Buyer().UserId, Roles = { Role.Buyer } }
                )
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.NotFound));
    }
}
