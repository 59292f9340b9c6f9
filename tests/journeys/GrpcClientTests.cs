using System.Text.Json.Nodes;
using Souk.Tests.Harness;

namespace Souk.Tests.Journeys;

/// <summary>
/// Partners' programs call a service by gRPC: through the gateway, the runtime and the mesh.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class GrpcClientTests : Journey
{
    [Test]
    public async Task Catalog_ByGrpcJs_TellsTheProduct()
    {
        var goods = await Shop.GoodsAsync(stock: 1);
        var node = await NodePackage.OpenAsync("tests/gateway/clients");
        var product = JsonNode.Parse(await node.RunAsync("catalog.mjs", Mesh.Host, goods.ProductId))!;

        Assert.That((string?)product["product_id"], Is.EqualTo(goods.ProductId));
    }

    [Test]
    public async Task Catalog_ByGrpcio_TellsTheProduct()
    {
        var goods = await Shop.GoodsAsync(stock: 1);
        const string catalog = "souk.catalog.v1.CatalogService";
        var request = new JsonObject { ["product_id"] = goods.ProductId }.ToJsonString();
        var replies = await PythonClient.CallAsync(Mesh.Host, catalog, "GetProduct", request);
        var mine = await PythonClient.CallAsync(Mesh.Host, "souk.cart.v1.CartService", "GetCart", "{}");

        Assert.That((string?)replies[0]["product_id"], Is.EqualTo(goods.ProductId));
        Assert.That((string?)mine[0]["code"], Is.EqualTo("UNAUTHENTICATED"));
    }
}
