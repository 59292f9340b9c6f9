using Microsoft.Extensions.Logging.Abstractions;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TokenVerifierTests : IDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly TestCaller _buyer = TestCaller.New(Role.Buyer, Role.Seller);
    private readonly TestTokens _tokens;
    private readonly CountingSource _source;
    private readonly TokenVerifier _verifier;

    public TokenVerifierTests()
    {
        _tokens = new TestTokens(_clock);
        _source = new CountingSource(_tokens);
        _verifier = new TokenVerifier(_source, _clock, NullLogger<TokenVerifier>.Instance);
    }

    public void Dispose()
    {
        _verifier.Dispose();
        _tokens.Dispose();
    }

    [Test]
    public async Task Verify_Good_GivesTheCaller()
    {
        var caller = await _verifier.VerifyAsync(_tokens.Mint(_buyer), CancellationToken.None);
        Assert.That(caller.UserId, Is.EqualTo(_buyer.UserId));
        Assert.That(caller.Roles, Is.EqualTo(RoleSet.Of(Role.Buyer, Role.Seller)));
    }

    [Test]
    public async Task Verify_Expired_FailsAlsoWhenItWasCached()
    {
        var token = _tokens.Mint(_buyer, TimeSpan.FromMinutes(15));
        await _verifier.VerifyAsync(token, CancellationToken.None);
        _clock.Advance(TimeSpan.FromMinutes(15));
        Assert.That(await ReasonOf(token), Is.EqualTo("TOKEN_EXPIRED"));
        Assert.That(await ReasonOf(token), Is.EqualTo("TOKEN_EXPIRED"));
    }

    [Test]
    public async Task Verify_SignedByAnother_FailsWithTokenInvalid()
    {
        using var stranger = new TestTokens(_clock);
        Assert.That(await ReasonOf(stranger.Mint(_buyer)), Is.EqualTo("TOKEN_INVALID"));
    }

    [Test]
    public async Task Verify_Altered_FailsWithTokenInvalid()
    {
        var parts = _tokens.Mint(_buyer).Split('.');
        var other = _tokens.Mint(TestCaller.Admin()).Split('.');
        Assert.That(await ReasonOf($"{parts[0]}.{other[1]}.{parts[2]}"), Is.EqualTo("TOKEN_INVALID"));
    }

    [TestCase("none")]
    [TestCase("HS256")]
    [TestCase("es256")]
    public async Task Verify_OtherAlgorithm_FailsWithTokenInvalid(string algorithm)
    {
        var token = _tokens.Sign(_tokens.Claims(_buyer, TimeSpan.FromMinutes(1)), algorithm);
        Assert.That(await ReasonOf(token), Is.EqualTo("TOKEN_INVALID"));
        Assert.That(await ReasonOf(token[..(token.LastIndexOf('.') + 1)]), Is.EqualTo("TOKEN_INVALID"));
    }

    [TestCase("iss", "other")]
    [TestCase("aud", "other")]
    [TestCase("sub", "")]
    [TestCase("exp", "soon")]
    [TestCase("nbf", 32_503_680_000L)]
    [TestCase("iat", 32_503_680_000L)]
    public async Task Verify_WrongClaim_FailsWithTokenInvalid(string claim, object value)
    {
        var claims = _tokens.Claims(_buyer, TimeSpan.FromMinutes(1));
        claims[claim] = value;
        Assert.That(await ReasonOf(_tokens.Sign(claims)), Is.EqualTo("TOKEN_INVALID"));
    }

    [TestCase("")]
    [TestCase("a")]
    [TestCase("a.b")]
    [TestCase("a.b.c.d")]
    [TestCase("....")]
    [TestCase("W10.W10.W10")]
    [TestCase("ééé.b.c")]
    [TestCase("eyJhbGciOiJFU-UifQ.e30.AA", Description = "a header whose algorithm is no UTF-8")]
    [TestCase("eyJhbGciOiJcdWQ4MDAifQ.e30.AA", Description = "half a surrogate pair as algorithm")]
    [TestCase("eyJcdWQ4MDBsZyI6IkVTMjU2In0.e30.AA", Description = "half a surrogate pair in a name")]
    public async Task Verify_Garbage_FailsWithTokenInvalid(string token) =>
        Assert.That(await ReasonOf(token), Is.EqualTo("TOKEN_INVALID"));

    [Test]
    public async Task Verify_HugeToken_FailsWithTokenInvalid() =>
        Assert.That(await ReasonOf(new string('a', 5000)), Is.EqualTo("TOKEN_INVALID"));

    [Test]
    public async Task Verify_UnknownKeyIds_FetchAtMostOnceInFiveSeconds()
    {
        var claims = _tokens.Claims(_buyer, TimeSpan.FromMinutes(1));
        for (var i = 0; i < 20; i++)
            Assert.That(
                await ReasonOf(_tokens.Sign(claims, keyId: $"unknown-{i}")),
                Is.EqualTo("TOKEN_INVALID")
            );
        Assert.That(_source.Fetches, Is.EqualTo(1));
        _clock.Advance(TimeSpan.FromSeconds(6));
        await ReasonOf(_tokens.Sign(claims, keyId: "unknown"));
        Assert.That(_source.Fetches, Is.EqualTo(2));
    }

    [Test]
    public async Task Verify_KeysOwnerAway_OldKeysGoOnAndUnknownOnesWait()
    {
        await _verifier.VerifyAsync(_tokens.Mint(_buyer), CancellationToken.None);
        _source.Failure = Fault.Unavailable(Souk.Type.Reason.DependencyUnavailable, "restarting");
        _clock.Advance(TimeSpan.FromHours(1));
        var caller = await _verifier.VerifyAsync(_tokens.Mint(_buyer), CancellationToken.None);
        Assert.That(caller.UserId, Is.EqualTo(_buyer.UserId));
        _clock.Advance(TimeSpan.FromSeconds(6));
        var claims = _tokens.Claims(_buyer, TimeSpan.FromMinutes(1));
        Assert.That(await ReasonOf(_tokens.Sign(claims, keyId: "new")), Is.EqualTo("DEPENDENCY_UNAVAILABLE"));
    }

    [Test]
    public async Task Verify_KeyRotated_IsFound()
    {
        await _verifier.VerifyAsync(_tokens.Mint(_buyer), CancellationToken.None);
        using var rotated = new TestTokens(_clock);
        _source.Keys = [_tokens.PublicKey, rotated.PublicKey with { KeyId = "next" }];
        _clock.Advance(TimeSpan.FromSeconds(6));
        var token = rotated.Sign(rotated.Claims(_buyer, TimeSpan.FromMinutes(1)), keyId: "next");
        Assert.That(
            (await _verifier.VerifyAsync(token, CancellationToken.None)).UserId,
            Is.EqualTo(_buyer.UserId)
        );
    }

    [Test]
    public void Cache_ManyEntries_StaysBounded()
    {
        var cache = new BoundedCache<int, int>(100);
        for (var i = 0; i < 1000; i++)
        {
            cache.Set(i, i);
            Assert.That(cache.TryGet(0, out _), Is.True, "what is used stays");
        }
        Assert.That(Enumerable.Range(0, 1000).Count(i => cache.TryGet(i, out _)), Is.LessThanOrEqualTo(200));
    }

    private async Task<string> ReasonOf(string token) =>
        (
            await Failure.OfAsync(async () => await _verifier.VerifyAsync(token, CancellationToken.None))
        ).Reason;

    private sealed class CountingSource(TestTokens tokens) : ITokenKeySource
    {
        internal int Fetches { get; private set; }

        internal IReadOnlyList<TokenKey> Keys { get; set; } = [tokens.PublicKey];

        internal Exception? Failure { get; set; }

        public Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token)
        {
            Fetches++;
            return Failure is null
                ? Task.FromResult(Keys)
                : Task.FromException<IReadOnlyList<TokenKey>>(Failure);
        }
    }
}
