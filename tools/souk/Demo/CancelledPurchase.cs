namespace Souk.Tool.Demo;

/// <summary>One item bought directly, then called off: money and stock come back.</summary>
internal sealed class CancelledPurchase(Customer customer)
{
    private const int WaitSeconds = 10;

    public async Task RunAsync(ShelfItem item, CancellationToken cancel)
    {
        var before = await customer.AvailableAsync(item, cancel);

        DemoScript.Step("A second order, waiting for its final state");
        var order = await customer.OrderAsync(item, WaitSeconds, cancel);
        var id = order["order_id"].AsText();
        DemoScript.Check(
            order["status"].AsText() == "confirmed",
            "the second order is confirmed",
            order.ToJsonString()
        );
        DemoScript.Tell(
            $"{id} {order["order_number"]}: {order["total"]} {order["currency"]}, {before} were available"
        );

        DemoScript.Step("Cancel it");
        await customer.PostAsync($"/api/v1/orders/{id}:cancel", new() { ["reason"] = "demo" }, cancel);
        var cancelled = await Customer.UntilAsync(
            token => customer.GetAsync($"/api/v1/orders/{id}", token),
            answer => answer["payment_status"].AsText() == "refunded",
            cancel
        );
        DemoScript.Check(
            cancelled["status"].AsText() == "cancelled",
            "the order is cancelled",
            cancelled.ToJsonString()
        );
        DemoScript.Check(
            cancelled["payment_status"].AsText() == "refunded",
            $"{cancelled["total"]} {cancelled["currency"]} is refunded",
            $"payment_status {cancelled["payment_status"]}"
        );

        var after = await Customer.UntilAsync(
            token => customer.AvailableAsync(item, token),
            available => available == before,
            cancel
        );
        DemoScript.Check(after == before, $"the stock is back: {after} available", $"{after}");
    }
}
