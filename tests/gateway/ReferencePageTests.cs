namespace Souk.Tests.Gateway;

/// <summary>How /openapi.json and the files of /docs are served.</summary>
public sealed class ReferencePageTests
{
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _gateway = await GatewayHarness.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _gateway.DisposeAsync();

    [TestCase("/openapi.json", "application/json")]
    [TestCase("/docs", "text/html")]
    [TestCase("/docs/docs.js", "text/javascript")]
    [TestCase("/docs/dom.js", "text/javascript")]
    [TestCase("/docs/operation.js", "text/javascript")]
    [TestCase("/docs/schema.js", "text/javascript")]
    [TestCase("/docs/try.js", "text/javascript")]
    [TestCase("/docs/docs.css", "text/css")]
    [TestCase("/docs/icon.svg", "image/svg+xml")]
    public async Task Page_EachOne_IsServedUnderAStrictPolicy(string path, string type)
    {
        var answer = await _gateway.SendAsync("GET", path);
        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Header("Content-Type"), Is.EqualTo($"{type}; charset=utf-8"));
        var policy = answer.Header("Content-Security-Policy");
        Assert.That(policy, Does.Contain("default-src 'none'").And.Contain("script-src 'self'"));
        Assert.That(policy, Does.Not.Contain("unsafe"));
        Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
    }

    [Test]
    public async Task OpenApi_WithTheTagOfBefore_IsNotSentAgain()
    {
        var first = await _gateway.SendAsync("GET", "/openapi.json");
        var again = await _gateway.SendAsync(
            "GET",
            "/openapi.json",
            null,
            ("If-None-Match", first.Header("ETag"))
        );
        Assert.That((again.Status, again.Body), Is.EqualTo((304, "")));
        Assert.That(again.Header("ETag"), Is.EqualTo(first.Header("ETag")));
    }

    [Test]
    public async Task OpenApi_ForABrowser_IsShrunk()
    {
        var plain = await _gateway.SendAsync("GET", "/openapi.json");
        var packed = await _gateway.SendAsync("HEAD", "/openapi.json", null, ("Accept-Encoding", "gzip, br"));
        Assert.That(packed.Header("Content-Encoding"), Is.EqualTo("br"));
        var bytes = packed.Response.Content.Headers.ContentLength;
        Assert.That(bytes, Is.LessThan(plain.Body.Length / 4));
    }

    [Test]
    public async Task Docs_AnotherVerb_IsNoRoute() =>
        Assert.That((await _gateway.SendAsync("POST", "/docs", "{}")).Status, Is.EqualTo(404));
}
