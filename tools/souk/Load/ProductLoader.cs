using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool.Load;

/// <summary>Brings one line into the shop: list the product, approve it where the shop wants that, receive
/// its stock.</summary>
internal sealed class ProductLoader(ShopClient shop, Session seller, Session moderator, TimeProvider clock)
{
    // Inventory asks catalog whether the SKU exists, and catalog may serve that from a table a few seconds
    // behind.
    private static readonly TimeSpan ListingLag = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LagPause = TimeSpan.FromMilliseconds(250);

    /// <summary>Null when the line is in the shop with all its stock.</summary>
    public async Task<Refusal?> LoadAsync(CatalogueLine line, CancellationToken cancel)
    {
        if (Parse(line.Text) is not { } product)
            return Refusal.Malformed("a line must be one JSON object");
        product.Remove("stock", out var stock);
        if (stock is not (null or JsonArray))
            return Refusal.Malformed("stock must be an array");

        var listed = await shop.SendAsync(
            new ShopRequest(HttpMethod.Post, "/api/v1/products")
            {
                Body = product,
                Session = seller,
                IdempotencyKey = line.IdempotencyKey,
            },
            cancel
        );
        if (!listed.Ok)
            return Refusal.Of("list", listed);
        if (listed.Text("status") == "draft")
        {
            var path = $"/api/v1/products/{listed.Text("product_id")}:approve";
            var approved = await shop.PostAsync(path, null, moderator, cancel);
            if (!approved.Ok)
                return Refusal.Of("approve", approved);
        }
        foreach (var item in (JsonArray?)stock ?? [])
        {
            if (await ReceiveAsync(line, item, cancel) is { } refusal)
                return refusal;
        }
        return null;
    }

    private async Task<Refusal?> ReceiveAsync(CatalogueLine line, JsonNode? item, CancellationToken cancel)
    {
        if (
            item is not JsonObject stock
            || stock["sku"] is not JsonValue sku
            || sku.GetValueKind() != JsonValueKind.String
        )
        {
            return Refusal.Malformed("an entry of stock must be {sku, warehouse_id, quantity}");
        }
        var name = sku.GetValue<string>();
        var body = new JsonObject
        {
            ["warehouse_id"] = stock["warehouse_id"]?.DeepClone(),
            ["quantity"] = stock["quantity"]?.DeepClone(),
            // At most 100 characters: a SKU may have as many, so it is the mark and the place in the line
            // that count.
            ["document_id"] = string.Create(
                CultureInfo.InvariantCulture,
                $"load-{line.Mark}-{stock.GetElementIndex()}"
            ),
        };
        var path = $"/api/v1/inventory/{Uri.EscapeDataString(name)}/receipts";
        var giveUp = clock.GetTimestamp() + (long)(ListingLag.TotalSeconds * clock.TimestampFrequency);
        while (true)
        {
            var reply = await shop.PostAsync(path, body, seller, cancel);
            if (reply.Ok)
                return null;
            if (reply.Status != 404 || clock.GetTimestamp() >= giveUp)
                return Refusal.Of("stock", reply);
            await Task.Delay(LagPause, clock, cancel);
        }
    }

    private static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
