using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>A buyer's way through the shop, over REST from the first page to the last.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class PurchaseTests : Journey
{
    [Test]
    [Description("ORD-01, ORD-06, ORD-13: browse, fill the cart, buy it, cancel it")]
    public async Task Purchase_CartThenCancel_MovesStockAndMoneyThereAndBack()
    {
        var goods = await Shop.GoodsAsync(stock: 10, price: 40m);
        var buyer = await Shop.BuyerAsync();
        var page = (await buyer.GetAsync($"/api/v1/products/{goods.ProductId}")).Ok();
        Assert.That(page.List("variants")[0]["sku"]!.ToString(), Is.EqualTo(goods.Sku));
        await Eventually(IsListedAsync, "the product in its category");

        (await buyer.AddToCartAsync(goods, quantity: 2)).Ok();
        var summary = (await buyer.GetAsync("/api/v1/cart/summary")).Ok();
        Assert.That(summary.Text("total"), Is.EqualTo("86.40"), "80 and 8% tax");

        var order = (await buyer.OrderAsync(goods: null)).Ok();
        Assert.Multiple(() =>
        {
            Assert.That(order.Text("status"), Is.EqualTo("confirmed"));
            Assert.That(order.Text("total"), Is.EqualTo(summary.Text("total")));
            Assert.That(order.Text("payment_status"), Is.EqualTo("completed"));
            Assert.That(order.Text("estimated_delivery"), Is.Not.Empty);
        });
        var key = Books.Key(order.Text("order_id"));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((8, 0)));
        Assert.That((await Books.OutcomeAsync(key)).Charged, Is.EqualTo(8640));
        await Eventually(
            async () => (await buyer.GetAsync("/api/v1/cart")).Ok().List("items").Count == 0,
            "the cart cleared"
        );

        var cancelled = await buyer.PostAsync(
            $"{Orders.Path}/{order.Text("order_id")}:cancel",
            new JsonObject { ["reason"] = "changed my mind" },
            wait: 25
        );
        Assert.That(cancelled.Ok().Text("status"), Is.EqualTo("cancelled"));
        Assert.That(
            await SettledAsync(key),
            Is.EqualTo(new Outcome("cancelled", true, 8640, Charged: 0, Held: 0, Taken: 0))
        );
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((10, 0)));
        Assert.That(
            (await buyer.GetOrderAsync(order.Text("order_id"))).Text("payment_status"),
            Is.EqualTo("refunded")
        );

        async Task<bool> IsListedAsync() =>
            (await buyer.GetAsync("/api/v1/products?category=Journeys/Lamps&page_size=1000"))
                .Ok()
                .List("products")
                .Any(product => product["product_id"]!.ToString() == goods.ProductId);
    }

    [Test]
    [Description("V1: 1 x 999.99 + 2 x 249.99 with SAVE10")]
    public async Task Purchase_CouponAndTax_CostWhatTheVectorSays()
    {
        var dear = await Shop.GoodsAsync(stock: 5, price: 999.99m);
        var cheap = await Shop.GoodsAsync(stock: 5, price: 249.99m);
        var buyer = await Shop.BuyerAsync();
        (await buyer.AddToCartAsync(dear)).Ok();
        (await buyer.AddToCartAsync(cheap, quantity: 2)).Ok();
        (await buyer.PostAsync("/api/v1/cart/coupons", new JsonObject { ["code"] = "save10" })).Ok();

        var order = (await buyer.OrderAsync(goods: null)).Ok();

        Assert.That(order.Text("status"), Is.EqualTo("confirmed"));
        Assert.That(
            new[] { "subtotal", "discount", "tax", "shipping_fee", "total" }.Select(order.Text),
            Is.EqualTo(new[] { "1499.97", "150.00", "108.00", "0.00", "1457.97" })
        );
        var outcome = await SettledAsync(Books.Key(order.Text("order_id")));
        Assert.That(outcome, Is.EqualTo(new Outcome("confirmed", true, 145797, 145797, Held: 0, Taken: 3)));
    }

    [Test]
    [Description("CART-08: what a guest put aside is there after signing in")]
    public async Task Purchase_GuestSignsIn_BuysTheMergedCart()
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var guest = (await Mesh.Rest.SendAsync(Call.Post("/api/v1/users/guest"))).Ok();
        var guestToken = guest.Text("access_token");
        var item = new JsonObject { ["sku"] = goods.Sku, ["quantity"] = 2 };
        (await Mesh.Rest.SendAsync(Call.Post("/api/v1/cart/items", item) with { Token = guestToken })).Ok();

        var buyer = await Shop.BuyerAsync();
        var merge = new JsonObject { ["guest_token"] = guestToken };
        var cart = (await buyer.PostAsync("/api/v1/cart/merge", merge)).Ok();
        Assert.That(cart.List("items").Single()["quantity"]!.GetValue<int>(), Is.EqualTo(2));

        var order = (await buyer.OrderAsync(goods: null)).Ok();
        Assert.That(order.Text("status"), Is.EqualTo("confirmed"));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((1, 0)));
    }

    [Test]
    [Description("PAY-05, ORD-12: cash on delivery is paid when it arrives")]
    public async Task Purchase_CashOnDelivery_IsPaidAtTheDoor()
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var buyer = await Shop.BuyerAsync();
        var order = (await buyer.OrderAsync(goods, token: "cod")).Ok();
        Assert.That(order.Text("status"), Is.EqualTo("confirmed"));
        Assert.That(order.Text("payment_status"), Is.EqualTo("pending_cod"));

        var path = $"{Orders.Path}/{order.Text("order_id")}";
        var shipped = (await Shop.Operator.PostAsync($"{path}:ship")).Ok();
        Assert.That(shipped.Text("tracking_number"), Does.Match("^TR[0-9]{6,}$"));
        var delivered = (await Shop.Operator.PostAsync($"{path}:deliver")).Ok();

        Assert.That(delivered.Text("status"), Is.EqualTo("delivered"));
        Assert.That(delivered.Text("payment_status"), Is.EqualTo("completed"));
        var payment = (await buyer.GetAsync($"/api/v1/payments/{order.Text("payment_id")}")).Ok();
        Assert.That(payment.Text("status"), Is.EqualTo("completed"));
    }

    [Test]
    [Description("ORD-03, ORD-12, ORD-13: shipped, tracked, delivered, sent back")]
    public async Task Purchase_DeliveredThenReturned_GivesMoneyAndStockBack()
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var buyer = await Shop.BuyerAsync();
        var orderId = (await buyer.OrderAsync(goods)).Ok().Text("order_id");
        var path = $"{Orders.Path}/{orderId}";

        (await Shop.Operator.PostAsync($"{path}:ship")).Ok();
        var late = await buyer.PostAsync($"{path}:cancel");
        Assert.That((late.Status, late.Reason), Is.EqualTo((400, "ALREADY_SHIPPED")));
        var tracking = (await buyer.GetAsync($"{path}/tracking")).Ok();
        Assert.That(tracking.List("shipments"), Has.Count.EqualTo(1));
        (await Shop.Operator.PostAsync($"{path}:deliver")).Ok();
        (await Shop.Operator.PostAsync($"{path}:return")).Ok();

        Assert.That(
            await SettledAsync(Books.Key(orderId)),
            Is.EqualTo(new Outcome("returned", true, 2700, Charged: 0, Held: 0, Taken: 0))
        );
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((3, 0)));
    }

    [TestCase("tok_declined", "PAYMENT_DECLINED")]
    [TestCase("tok_insufficient_funds", "INSUFFICIENT_FUNDS")]
    [Description("ORD-07: a payment that fails leaves nothing behind")]
    public async Task Purchase_CardRefused_FailsAndPutsStockBack(string token, string reason)
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var buyer = await Shop.BuyerAsync();
        (await buyer.AddToCartAsync(goods)).Ok();

        var order = (await buyer.OrderAsync(goods: null, token)).Ok();

        Assert.That(order.Text("status"), Is.EqualTo("failed"));
        Assert.That(order["failure"]!["reason"]!.ToString(), Is.EqualTo(reason));
        Assert.That(order["failure"]!["message"]!.ToString(), Does.StartWith("Payment Failed"));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((3, 0)));
        Assert.That((await SettledAsync(Books.Key(order.Text("order_id")))).Charged, Is.Zero);
        Assert.That((await buyer.GetAsync("/api/v1/cart")).Ok().List("items"), Has.Count.EqualTo(1));
    }

    [TestCase("tok_slow")]
    [TestCase("tok_timeout_after_success")]
    [Description("PAY-08: an answer that comes late, or never, charges once")]
    public async Task Purchase_ProviderSlowOrSilent_ChargesOnce(string token)
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var buyer = await Shop.BuyerAsync();

        var order = (await buyer.OrderAsync(goods, token)).Ok();

        var outcome = await SettledAsync(Books.Key(order.Text("order_id")));
        Assert.That(outcome, Is.EqualTo(new Outcome("confirmed", true, 2700, 2700, Held: 0, Taken: 1)));
    }

    [TestCase("approve", "confirmed")]
    [TestCase("reject", "failed")]
    [Description("PAY-07: a 3-D Secure challenge waits for the buyer and goes where they say")]
    public async Task Purchase_Challenge_EndsAsTheBuyerDecides(string outcome, string status)
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var buyer = await Shop.BuyerAsync();

        var order = (await buyer.OrderAsync(goods, "tok_challenge")).Ok();
        Assert.That(order.Text("status"), Is.EqualTo("pending"));
        Assert.That(order["payment_action"]!["url"]!.ToString(), Is.Not.Empty);
        var answer = new JsonObject { ["outcome"] = outcome };
        (await buyer.PostAsync($"/api/v1/payments/{order.Text("payment_id")}:confirm", answer)).Ok();

        var settled = await SettledAsync(Books.Key(order.Text("order_id")));
        Assert.That(settled.Status, Is.EqualTo(status));
        Assert.That(settled.Charged, Is.EqualTo(status == "confirmed" ? settled.Total : 0));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((status == "confirmed" ? 2 : 3, 0)));
    }

    [Test]
    [Description("ORD-11: newest first, page by page, filtered by status")]
    public async Task History_SeveralOrders_AreListedNewestFirst()
    {
        var goods = await Shop.GoodsAsync(stock: 10);
        var buyer = await Shop.BuyerAsync();
        var ids = new List<string>();
        foreach (var token in new[] { "tok_success", "tok_declined", "tok_success" })
            ids.Insert(0, (await buyer.OrderAsync(goods, token)).Ok().Text("order_id"));

        var first = (await buyer.GetAsync($"{Orders.Path}?page_size=2")).Ok();
        var second = (
            await buyer.GetAsync(
                $"{Orders.Path}?page_size=2&page_token={Uri.EscapeDataString(first.Text("next_page_token"))}"
            )
        ).Ok();
        Assert.That(IdsOf(first).Concat(IdsOf(second)), Is.EqualTo(ids));
        Assert.That(second.Text("next_page_token"), Is.Empty);
        var failed = (await buyer.GetAsync($"{Orders.Path}?status=failed")).Ok();
        Assert.That(IdsOf(failed), Is.EqualTo(new[] { ids[1] }));

        static IEnumerable<string> IdsOf(Reply page) =>
            page.List("orders").Select(order => order["order_id"]!.ToString());
    }

    [Test]
    [Description("X-06: what belongs to somebody else does not exist")]
    public async Task Order_SomebodyElses_IsNotFound()
    {
        var goods = await Shop.GoodsAsync(stock: 3);
        var owner = await Shop.BuyerAsync();
        var order = (await owner.OrderAsync(goods)).Ok();
        var stranger = await Shop.BuyerAsync();
        var path = $"{Orders.Path}/{order.Text("order_id")}";

        var replies = new[]
        {
            await stranger.GetAsync(path),
            await stranger.GetAsync($"{path}/tracking"),
            await stranger.PostAsync($"{path}:cancel"),
            await stranger.GetAsync($"/api/v1/payments/{order.Text("payment_id")}"),
        };

        Assert.That(
            replies.Select(reply => (reply.Status, reply.Reason)),
            Is.All.EqualTo((404, "RESOURCE_NOT_FOUND"))
        );
        Assert.That(
            (await owner.GetOrderAsync(order.Text("order_id"))).Text("status"),
            Is.EqualTo("confirmed")
        );
        Assert.That(
            (await stranger.GetAsync($"{Orders.Path}?user_id={owner.UserId}")).Ok().List("orders"),
            Is.Empty
        );
    }
}
