namespace Souk.Tests.Gateway;

/// <summary>
/// X-08: a token in a cookie is sent by every page's request, so changes must come from our own.
/// </summary>
public sealed class CookieTests
{
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(s =>
            s with
            {
                TokenCookie = "souk_token",
                Origins = ["https://shop.example"],
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [TestCase("Sec-Fetch-Site", "same-origin", 200)]
    [TestCase("Sec-Fetch-Site", "same-site", 403)]
    [TestCase("Sec-Fetch-Site", "cross-site", 403)]
    [TestCase("Sec-Fetch-Site", "none", 403)]
    [TestCase("Origin", "https://shop.example", 200)]
    [TestCase("Origin", "https://evil.example", 403)]
    [TestCase("Origin", "null", 403)]
    [TestCase("X-Nothing", "at-all", 403)]
    [Description("X-08")]
    public async Task UpdatePage_TokenInACookie_NeedsOurOwnPage(string header, string value, int status)
    {
        var role = status == 200 ? $"{header}{value.Length}" : "seller";
        var answer = await _gateway.SendAsync(
            "PUT",
            "/api/v1/pages/1",
            "{}",
            ("Cookie", $"a=b; souk_token={GatewayHarness.Token(role)}"),
            (header, value)
        );
        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        if (status == 403)
            Assert.That(answer.Problem, Is.EqualTo((403, "PERMISSION_DENIED", "ORIGIN_NOT_ALLOWED")));
        Assert.That(answer.Header("Vary"), Does.Contain("Cookie"));
    }

    [Test]
    [Description("X-08")]
    public async Task UpdatePage_OriginOfThisHost_IsOurOwn()
    {
        var answer = await _gateway.SendAsync(
            "PUT",
            "/api/v1/pages/1",
            "{}",
            ("Cookie", $"souk_token={GatewayHarness.Token("own")}"),
            ("Origin", _gateway.Origin.GetLeftPart(UriPartial.Authority))
        );
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
    }

    [Test]
    [Description("X-08")]
    public async Task GetPage_TokenInACookie_ReadsFromAnywhereButIsNotKept()
    {
        var answer = await _gateway.SendAsync(
            "GET",
            "/api/v1/pages/1",
            null,
            ("Cookie", $"souk_token={GatewayHarness.Token()}"),
            ("Sec-Fetch-Site", "cross-site")
        );
        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Header("Cache-Control"), Does.Contain("private"));
    }

    [Test]
    [Description("X-08")]
    public async Task UpdatePage_CookieThatNobodyConfigured_IsNoToken()
    {
        await using var usual = await GatewayHarness.StartAsync();
        var answer = await usual.SendAsync(
            "PUT",
            "/api/v1/pages/1",
            "{}",
            ("Cookie", $"souk_token={GatewayHarness.Token()}"),
            ("Sec-Fetch-Site", "same-origin")
        );
        Assert.That(answer.Problem, Is.EqualTo((401, "UNAUTHENTICATED", "TOKEN_MISSING")));
    }
}
