using System.Text.Json.Nodes;

namespace Souk.Tool.Demo;

/// <summary>Two items through the cart to a confirmed order.</summary>
internal sealed class FirstPurchase(Customer customer)
{
    private static readonly int[] Quantities = [1, 2];

    public async Task RunAsync(IReadOnlyList<ShelfItem> shelf, CancellationToken cancel)
    {
        var before = await StockAsync(shelf, cancel);
        DemoScript.Step("Stock before");
        TellStock(shelf, before);

        DemoScript.Step("Add two items to the cart");
        for (var i = 0; i < shelf.Count; i++)
        {
            await customer.PostAsync("/api/v1/cart/items", shelf[i].Line(Quantities[i]), cancel);
            DemoScript.Tell($"{Quantities[i]} x {shelf[i].Name}");
        }
        var total = await SummaryAsync(cancel);
        await OrderAsync(total, cancel);
        await CheckStockAsync(shelf, before, cancel);
    }

    private async Task<decimal> SummaryAsync(CancellationToken cancel)
    {
        DemoScript.Step("Summary");
        var summary = await customer.GetAsync("/api/v1/cart/summary", cancel);
        decimal Amount(string name) => summary[name].AsAmount();
        foreach (var name in (string[])["subtotal", "discount", "tax", "shipping", "total"])
            DemoScript.Tell($"{name, -9} {Amount(name), 10} {summary["currency"]}");
        var sum = Amount("subtotal") - Amount("discount") + Amount("tax") + Amount("shipping");
        DemoScript.Check(sum == Amount("total"), "total = subtotal - discount + tax + shipping", $"{sum}");
        return Amount("total");
    }

    private async Task OrderAsync(decimal total, CancellationToken cancel)
    {
        DemoScript.Step("Order");
        var placed = await customer.OrderAsync(item: null, waitSeconds: null, cancel);
        var id = placed["order_id"].AsText();
        DemoScript.Tell($"{id} {placed["order_number"]}: {placed["status"]}");

        var order = await Customer.UntilAsync(
            token => customer.GetAsync($"/api/v1/orders/{id}", token),
            answer => answer["status"].AsText() != "pending",
            cancel
        );
        DemoScript.Check(
            order["status"].AsText() == "confirmed",
            "the order is confirmed",
            order.ToJsonString()
        );
        DemoScript.Check(
            order["total"].AsAmount() == total,
            $"it costs what the summary said, {total}",
            $"{order["total"]}"
        );
        DemoScript.Check(
            order["payment_status"].AsText() == "completed",
            "it is paid",
            $"payment_status {order["payment_status"]}"
        );
        var cart = await Customer.UntilAsync(
            token => customer.GetAsync("/api/v1/cart", token),
            answer => Lines(answer) == 0,
            cancel
        );
        DemoScript.Check(Lines(cart) == 0, "the cart is empty again", $"{Lines(cart)} lines");
    }

    private async Task CheckStockAsync(
        IReadOnlyList<ShelfItem> shelf,
        long[] before,
        CancellationToken cancel
    )
    {
        DemoScript.Step("Stock after");
        var wanted = before.Select((units, i) => units - Quantities[i]).ToArray();
        var after = await Customer.UntilAsync(
            token => StockAsync(shelf, token),
            stock => stock.SequenceEqual(wanted),
            cancel
        );
        TellStock(shelf, after);
        DemoScript.Check(
            after.SequenceEqual(wanted),
            "it is less by what was bought",
            string.Join(", ", after)
        );
    }

    private async Task<long[]> StockAsync(IReadOnlyList<ShelfItem> shelf, CancellationToken cancel)
    {
        var stock = new long[shelf.Count];
        for (var i = 0; i < shelf.Count; i++)
            stock[i] = await customer.AvailableAsync(shelf[i], cancel);
        return stock;
    }

    private static void TellStock(IReadOnlyList<ShelfItem> shelf, long[] stock)
    {
        for (var i = 0; i < shelf.Count; i++)
            DemoScript.Tell($"{shelf[i].Sku}: {stock[i]} available");
    }

    private static int Lines(JsonNode cart) => (cart["items"] as JsonArray)?.Count ?? 0;
}
