using Grpc.Core;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

[Parallelizable(ParallelScope.All)]
internal sealed class OffersTests
{
    private static CatalogMesh Mesh => SharedCatalog.Mesh;

    [Test, Description("CAT-10")]
    public async Task BatchGetOffers_KnownSkus_AnswersInTheOrderAsked()
    {
        var seller = TestCaller.Seller();
        var sent = Samples.Phone();
        sent.Variants.Add(
            new Variant { Sku = Samples.Unique("W"), Price = Samples.Usd(109_999) }.With("color", "White")
        );
        var phone = await Mesh.ActiveAsync(sent, seller);
        var other = await Mesh.ActiveAsync(Samples.Phone());
        var (black, white) = (phone.Variants[0].Sku, phone.Variants[1].Sku);

        var offers = await OffersAsync([white, "unknown", other.Variants[0].Sku, black, white]);

        Assert.That(
            offers.Select(offer => offer.Sku),
            Is.EqualTo(new[] { white, other.Variants[0].Sku, black, white })
        );
        Assert.That(
            offers[0],
            Is.EqualTo(
                new Offer
                {
                    Sku = white,
                    ProductId = phone.ProductId,
                    Name = "Smartphone X",
                    SellerId = seller.UserId,
                    UnitPrice = Samples.Usd(109_999),
                    Purchasable = true,
                    PriceVersion = 2,
                    ImageUrl = "https://images.example/phone.jpg",
                    Attributes = { ["color"] = "White" },
                }
            )
        );
        Assert.That(offers[2].UnitPrice, Is.EqualTo(Samples.Usd(99_999)));
    }

    [Test]
    public async Task BatchGetOffers_ProductIds_AreForProductsOfOneVariant()
    {
        var one = await Mesh.ActiveAsync(Samples.Phone());
        var sent = Samples.Phone();
        sent.Variants.Add(new Variant { Sku = Samples.Unique("W") });
        var two = await Mesh.ActiveAsync(sent);

        var offers = await OffersAsync(
            [two.Variants[1].Sku],
            [two.ProductId, "prod_0198c1d2000070008000000000000000", "nonsense", one.ProductId]
        );

        Assert.That(
            offers.Select(offer => offer.Sku),
            Is.EqualTo(new[] { two.Variants[1].Sku, one.Variants[0].Sku })
        );
    }

    [Test, Description("CAT-05")]
    public async Task BatchGetOffers_DraftOrDeleted_IsNotPurchasable()
    {
        var seller = TestCaller.Seller();
        var draft = await Mesh.DraftAsync(Samples.Phone(), seller);
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var skus = new[] { draft.Variants[0].Sku, active.Variants[0].Sku };
        Assert.That(
            (await OffersAsync(skus)).Select(offer => offer.Purchasable),
            Is.EqualTo(new[] { false, true })
        );

        await Mesh.As(seller).DeleteProductAsync(new DeleteProductRequest { ProductId = active.ProductId });
        Assert.That(
            (await OffersAsync(skus)).Select(offer => offer.Purchasable),
            Is.EqualTo(new[] { false, false })
        );
    }

    [Test, Description("X-17")]
    public async Task BatchGetOffers_AfterAnUpdate_HasTheNewPriceAndVersion()
    {
        var seller = TestCaller.Seller();
        var active = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var sku = active.Variants[0].Sku;
        await OffersAsync([sku]);
        active.Price = Samples.Price("500");

        await ProductsTests.UpdateAsync(seller, active, active.Etag);

        var offer = (await OffersAsync([sku])).Single();
        Assert.That((offer.UnitPrice, offer.PriceVersion), Is.EqualTo((Samples.Usd(50_000), 3)));
    }

    [Test]
    public async Task BatchGetOffers_SkuMovedToAnotherProduct_IsTheOthers()
    {
        var seller = TestCaller.Seller();
        var first = await Mesh.ActiveAsync(Samples.Phone(), seller);
        var sku = first.Variants[0].Sku;
        Assert.That((await OffersAsync([sku])).Single().ProductId, Is.EqualTo(first.ProductId));
        first.Variants[0].Sku = Samples.Unique("NEW");
        await ProductsTests.UpdateAsync(seller, first, first.Etag);
        var second = await Mesh.ActiveAsync(Samples.Phone(sku));

        Assert.That((await OffersAsync([sku])).Single().ProductId, Is.EqualTo(second.ProductId));
    }

    [Test]
    public async Task BatchGetOffers_TooManySkus_FailsWithInvalidField() =>
        Assert.That(
            await Failure.OfAsync(() => OffersAsync([.. Enumerable.Range(0, 201).Select(i => $"S{i}")])),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD"))
        );

    [Test]
    public async Task BatchGetOffers_WithoutAToken_FailsWithTokenMissing() =>
        Assert.That(
            await Failure.OfAsync(() => Mesh.Anybody.BatchGetOffersAsync(new BatchGetOffersRequest())),
            Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING"))
        );

    private static async Task<IReadOnlyList<Offer>> OffersAsync(
        IEnumerable<string> skus,
        IEnumerable<string>? productIds = null
    ) =>
        (
            await Mesh.As(TestCaller.Service("ordering"))
                .BatchGetOffersAsync(
                    new BatchGetOffersRequest { Skus = { skus }, ProductIds = { productIds ?? [] } }
                )
        ).Offers;
}
