using System.Text.Json.Nodes;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>The reference page in a real browser.</summary>
public sealed class DocsInBrowserTests
{
    [Test]
    [Description("X-01")]
    public async Task Docs_InChromium_ShowsFindsAndMakesACall()
    {
        var browser = Programs.Require("chromium", "chromium-browser", "google-chrome");
        var package = await NodePackage.OpenAsync("tests/gateway/js");
        await using var gateway = await GatewayHarness.StartAsync();
        var url = gateway.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);
        var seen = JsonNode.Parse(await package.RunAsync("docs.js", url, browser, "GetThing", "a/b"))!;
        Assert.Multiple(() =>
        {
            Assert.That(Texts(seen["complaints"]), Is.Empty);
            Assert.That(Texts(seen["violations"]), Is.Empty);
            Assert.That((int)seen["operations"]!, Is.GreaterThan(10));
            Assert.That((bool)seen["opened"]!, Is.True, "a link leads to its operation, opened");
            Assert.That((string?)seen["status"], Is.EqualTo("200"));
            Assert.That((string?)seen["command"], Does.Contain($"curl -X GET '{url}/api/v1/things/a%2Fb'"));
            Assert.That((string?)seen["socket"], Is.EqualTo("WebSocket"));
            Assert.That(
                (string?)seen["talk"],
                Does.Contain("Subprotocol souk.json.v1. Sends echo.Thing, receives echo.Thing.")
            );
            Assert.That((int)seen["tries"]!, Is.Zero);
            Assert.That((string?)seen["found"], Does.EndWith(" found"));
            Assert.That((int)seen["visible"]!, Is.InRange(1, 3));
            Assert.That((bool)seen["menuOpen"]!, Is.False);
            Assert.That((int)seen["overflow"]!, Is.Zero, "a phone scrolls one way only");
        });
        Assert.That((string?)JsonNode.Parse((string)seen["answer"]!)!["thing_id"], Is.EqualTo("a/b"));
    }

    private static string?[] Texts(JsonNode? list) => [.. list!.AsArray().Select(text => (string?)text)];
}
