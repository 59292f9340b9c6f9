using Grpc.Core;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>What a cart remembers, and for how long.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class MarksTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    [Test, Description("X-09")]
    public void Has_SameRequest_UntilADayIsOver()
    {
        var (id, request) = (Guid.CreateVersion7(), Item("A", 1));
        var cart = Marks.Put(Empty(), Marks.Of(id, request, s_now));
        var almostADay = s_now.AddDays(1).AddTicks(-1);

        cart = Marks.Put(cart, Marks.Of(Guid.CreateVersion7(), request, almostADay));
        Assert.That(Marks.Has(cart, Marks.Of(id, request, almostADay)), Is.True);

        cart = Marks.Put(cart, Marks.Of(Guid.CreateVersion7(), request, s_now.AddDays(1)));
        Assert.That(Marks.Has(cart, Marks.Of(id, request, s_now.AddDays(1))), Is.False);
    }

    [TestCase("B", 1, "")]
    [TestCase("A", 2, "")]
    [TestCase("A", 1, "prod_1")]
    [Description("X-09")]
    public void Has_SameKeyWithAnotherBody_FailsWithIdempotencyMismatch(
        string sku,
        int quantity,
        string productId
    )
    {
        var id = Guid.CreateVersion7();
        var cart = Marks.Put(Empty(), Marks.Of(id, Item("A", 1), s_now));
        var other = Marks.Of(id, Item(sku, quantity, productId), s_now);

        Assert.That(
            Failure.Of(Assert.Throws<RpcException>(() => Marks.Has(cart, other))!),
            Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH"))
        );
    }

    [Test, Description("X-09")]
    public void Put_OneRequestTooMany_IsRefusedUntilTheOldestHadItsTime()
    {
        var full = Enumerable
            .Range(0, Marks.RequestsMax)
            .Aggregate(Empty(), (cart, i) => Marks.Put(cart, Request(s_now.AddMinutes(i))));
        var late = s_now.AddHours(23);

        Assert.That(
            Failure.Of(Assert.Throws<RpcException>(() => Marks.Put(full, Request(late)))!),
            Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "RATE_LIMITED"))
        );
        Assert.That(Marks.Put(full, Marks.OfOrder("ord_1", late)).Marks, Has.Count.EqualTo(501));
        Assert.That(Marks.Put(full, Request(s_now.AddHours(24))).Marks, Has.Count.EqualTo(Marks.RequestsMax));
    }

    [Test]
    public void Put_ManyOrders_KeepsTheNewestAndEveryRequest()
    {
        var request = Request(s_now);
        var cart = Enumerable
            .Range(0, 300)
            .Aggregate(
                Marks.Put(Empty(), request),
                (cart, i) => Marks.Put(cart, Marks.OfOrder($"ord_{i}", s_now))
            );

        Assert.That(cart.Marks, Has.Count.EqualTo(101));
        Assert.That(Marks.Has(cart, request), Is.True);
        Assert.That(Marks.Has(cart, Marks.OfOrder("ord_200", s_now)), Is.True);
    }

    private static CartDocument Empty() => CartDocument.Empty("user_me");

    private static Mark Request(DateTimeOffset at) => Marks.Of(Guid.CreateVersion7(), Item("A", 1), at);

    private static AddCartItemRequest Item(string sku, int quantity, string productId = "") =>
        new()
        {
            Sku = sku,
            Quantity = quantity,
            ProductId = productId,
        };
}
