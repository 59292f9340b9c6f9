using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// The documents' search. No service answers it yet: a contract of the tests shows that the gateway serves
/// the documents' request and writes their answer, and nothing of searching.
/// </summary>
public sealed class SearchShapeTests
{
    [Test]
    [Description("SRCH-01, K27, K28")]
    public async Task SearchGoods_SampleOfTheDocuments_HasTheirShape()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var path = "/api/v1/products/search?q=laptop&category=electronics&page=1&limit=20";
        var answer = await gateway.SendAsync("GET", path);
        var files = new GoldenFiles("tests/gateway/golden");
        files.Hold("SRCH-01.response.json", files.Masked(answer.Body));
    }
}
