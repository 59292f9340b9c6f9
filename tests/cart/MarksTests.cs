using Grpc.Core;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>What a cart remembers, and for how long.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class MarksTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    [Test, Description("X-09")]
    public void Has_SameRequest_UntilADayIsOver()
    {
        var (id, request) = (Guid.CreateVersion7(), Item("A", 1));
        var cart = Marks.Put(Empty(), Marks.Of(id, request, Now));
        var almostADay = Now.AddDays(1).AddTicks(-1);

        cart = Marks.Put(cart, Marks.Of(Guid.CreateVersion7(), request, almostADay));
        Assert.That(Marks.Has(cart, Marks.Of(id, request, almostADay)), Is.True);

        cart = Marks.Put(cart, Marks.Of(Guid.CreateVersion7(), request, Now.AddDays(1)));
        Assert.That(Marks.Has(cart, Marks.Of(id, request, Now.AddDays(1))), Is.False);
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
        var cart = Marks.Put(Empty(), Marks.Of(id, Item("A", 1), Now));
        var other = Marks.Of(id, Item(sku, quantity, productId), Now);

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
            .Aggregate(Empty(), (cart, i) => Marks.Put(cart, Request(Now.AddMinutes(i))));
        var late = Now.AddHours(23);

        Assert.That(
            Failure.Of(Assert.Throws<RpcException>(() => Marks.Put(full, Request(late)))!),
            Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "RATE_LIMITED"))
        );
        Assert.That(Marks.Put(full, Marks.OfOrder("ord_1", late)).Marks, Has.Count.EqualTo(501));
        Assert.That(Marks.Put(full, Request(Now.AddHours(24))).Marks, Has.Count.EqualTo(Marks.RequestsMax));
    }

    [Test]
    public void Put_ManyOrders_KeepsTheNewestAndEveryRequest()
    {
        var request = Request(Now);
        var cart = Enumerable
            .Range(0, 300)
            .Aggregate(
                Marks.Put(Empty(), request),
                (cart, i) => Marks.Put(cart, Marks.OfOrder($"ord_{i}", Now))
            );

        Assert.That(cart.Marks, Has.Count.EqualTo(101));
        Assert.That(Marks.Has(cart, request), Is.True);
        Assert.That(Marks.Has(cart, Marks.OfOrder("ord_200", Now)), Is.True);
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
