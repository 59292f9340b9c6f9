using Grpc.Core;
using Souk.Options.V1;
using Souk.Probe.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

internal sealed class AccessTests : ProbeFixture
{
    private static readonly ProbeRequest Request = new();

    [Test]
    public async Task Open_NoToken_Answers() =>
        Assert.That((await As(null).OpenAsync(Request)).Caller, Is.Empty);

    [Test]
    public async Task Open_BadToken_IsRefusedAllTheSame()
    {
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(Request, Bearer("a.b.c")));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_INVALID")));
    }

    [Test]
    public async Task ForAnybody_NoToken_FailsWithTokenMissing()
    {
        var failure = await Failure.OfAsync(() => As(null).ForAnybodyAsync(Request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING")));
    }

    [Test]
    public async Task ForAnybody_OtherScheme_FailsWithTokenInvalid()
    {
        var headers = new Metadata { { "authorization", "Basic eDp5" } };
        var failure = await Failure.OfAsync(() => As(null).ForAnybodyAsync(Request, headers));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_INVALID")));
    }

    [Test]
    public async Task ForAnybody_AnyToken_TellsTheCaller()
    {
        var caller = TestCaller.Guest();
        Assert.That((await As(caller).ForAnybodyAsync(Request)).Caller, Is.EqualTo(caller.UserId));
    }

    [Test, Description("X-05")]
    public async Task ForOperators_EachRole_OnlyThoseNamedAndAdminPass(
        [Values(Role.Guest, Role.Buyer, Role.Seller, Role.Moderator, Role.Operator, Role.Admin, Role.Service)]
            Role role
    )
    {
        var call = As(TestCaller.New(role)).ForOperatorsAsync(Request);
        if (role is Role.Operator or Role.Admin or Role.Service)
        {
            Assert.That((await call).Caller, Is.Not.Empty);
            return;
        }
        var failure = await Failure.OfAsync(() => call);
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED")));
    }

    [Test]
    public async Task Undeclared_Admin_IsRefused()
    {
        var failure = await Failure.OfAsync(() => As(TestCaller.Admin()).UndeclaredAsync(Request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED")));
    }

    [Test]
    public async Task Talk_NoToken_FailsWithTokenMissing()
    {
        using var call = As(null).Talk();
        var failure = await Failure.OfAsync(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING")));
    }

    [Test]
    public async Task Talk_OneMessageAgainstItsContract_FailsAtThatOne()
    {
        using var call = As(TestCaller.Buyer()).Talk();
        await call.RequestStream.WriteAsync(new ProbeRequest { Text = "good" });
        await call.ResponseStream.MoveNext(CancellationToken.None);
        Assert.That(call.ResponseStream.Current.Seen.Text, Is.EqualTo("good"));

        await call.RequestStream.WriteAsync(new ProbeRequest { Tags = { "a", "b", "c", "d" } });
        var failure = await Failure.OfAsync(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
    }

    [Test]
    public async Task Collect_NoToken_FailsWithTokenMissing()
    {
        using var call = As(null).Collect();
        var failure = await Failure.OfAsync(() => call.ResponseAsync);
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING")));
    }

    [Test]
    public async Task Collect_Token_Answers()
    {
        using var call = As(TestCaller.Buyer()).Collect();
        await call.RequestStream.WriteAsync(new ProbeRequest { Text = "last" });
        await call.RequestStream.CompleteAsync();
        Assert.That((await call.ResponseAsync).Seen.Text, Is.EqualTo("last"));
    }

    [Test]
    public async Task Watch_NoToken_FailsWithTokenMissing()
    {
        using var call = As(null).Watch(Request);
        var failure = await Failure.OfAsync(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING")));
    }

    [Test]
    public async Task Watch_Token_Streams()
    {
        using var call = As(TestCaller.Buyer()).Watch(Request);
        Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None), Is.True);
    }

    private static Metadata Bearer(string token) => new() { { "authorization", $"Bearer {token}" } };
}
