using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Whose tokens are good while identity changes its keys, restarts, or was never there.</summary>
[Description("X-05")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class KeyRotationTests
{
    private static readonly TimeSpan FetchedAgainAfter = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan SetIsOldAfter = TimeSpan.FromMinutes(11);

    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly KeyBackend _identity = new();
    private TestTokens _first = null!;
    private TestTokens _second = null!;
    private GatewayHarness _gateway = null!;

    [SetUp]
    public async Task Start()
    {
        (_first, _second) = (new TestTokens(_clock), new TestTokens(_clock));
        _gateway = await GatewayHarness.StartAsync(clock: _clock, identity: _identity);
    }

    [TearDown]
    public async Task Stop()
    {
        _first.Dispose();
        _second.Dispose();
        await _gateway.DisposeAsync();
    }

    [Test]
    public async Task UpdatePage_KeyRotated_BothKeysAreGoodUntilTheOldOneIsWithdrawn()
    {
        _identity.Publish(Key(_first, "first"));
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((200, "")));

        _identity.Publish(Key(_second, "second"), Key(_first, "first"));
        _clock.Advance(FetchedAgainAfter);
        Assert.That(await UpdateAsync(_second, "second"), Is.EqualTo((200, "")), "found without a restart");
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((200, "")), "signed before the change");

        _identity.Publish(Key(_second, "second"));
        _clock.Advance(SetIsOldAfter);
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((401, "TOKEN_INVALID")));
        Assert.That(await UpdateAsync(_second, "second"), Is.EqualTo((200, "")));
    }

    [Test]
    public async Task UpdatePage_AnothersKeyUnderOurName_IsInvalid()
    {
        _identity.Publish(Key(_first, "first"));

        Assert.That(await UpdateAsync(_second, "first"), Is.EqualTo((401, "TOKEN_INVALID")));
        Assert.That(await UpdateAsync(_second, "rsa"), Is.EqualTo((401, "TOKEN_INVALID")));
    }

    [Test]
    public async Task UpdatePage_IdentityAway_IsUnavailableUntilThereAreKeysAndThenGoesOnWithThem()
    {
        _identity.Publish(Key(_first, "first"));
        _identity.IsAway = true;
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((503, "DEPENDENCY_UNAVAILABLE")));

        _identity.IsAway = false;
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((200, "")));

        _identity.IsAway = true;
        _clock.Advance(SetIsOldAfter);
        Assert.That(await UpdateAsync(_first, "first"), Is.EqualTo((200, "")), "keys do not age");
    }

    private static TokenKey Key(TestTokens tokens, string id) => tokens.PublicKey with { KeyId = id };

    /// <summary>A call with a token that nobody has seen yet.</summary>
    private async Task<(int, string)> UpdateAsync(TestTokens tokens, string keyId)
    {
        var token = tokens.Sign(tokens.Claims(TestCaller.Buyer(), TimeSpan.FromMinutes(15)), keyId: keyId);
        var answer = await _gateway.SendAsync(
            "PUT",
            "/api/v1/pages/1",
            "{}",
            ("Authorization", $"Bearer {token}")
        );
        return (answer.Status, (string?)answer.Json["reason"] ?? "");
    }
}
