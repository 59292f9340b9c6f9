using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf.WellKnownTypes;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

/// <summary>Discounts, by themselves and by the clock of a running service.</summary>
internal sealed class PricingTests
{
    private static readonly DateTimeOffset Until = new(2025, 12, 31, 23, 59, 59, TimeSpan.Zero);

    [TestCase(-1, 89_999)]
    [TestCase(0, 89_999)]
    [TestCase(1, 99_999)]
    [Description("V9, CAT-08")]
    public void Price_AroundTheEndOfADiscount_ChangesAfterIt(int milliseconds, long expected) =>
        Assert.That(
            Pricing.Of(Discounted(10), Until.AddMilliseconds(milliseconds)).Minor,
            Is.EqualTo(expected)
        );

    [TestCase(12.5, 87_499)] // 874.99125
    [TestCase(33.33, 66_669)] // 666.693333
    [TestCase(0, 99_999)]
    [TestCase(100, 0)]
    [Description("CAT-08")]
    public void Price_OfAPercentage_IsRoundedHalfUp(double percent, long expected) =>
        Assert.That(Pricing.Of(Discounted(percent), Until).Minor, Is.EqualTo(expected));

    [Test]
    public void Price_HalfAMinorUnit_GoesUp()
    {
        var product = Discounted(50);
        product.Price.Amount.MinorUnits = 1;
        Assert.That(Pricing.Of(product, Until).Minor, Is.EqualTo(1));
    }

    [Test]
    public void VariantPrice_UnsetOrSet_IsReducedAlike()
    {
        var product = Discounted(10);
        var own = new Variant { Price = Samples.Usd(10_000) };
        Assert.That(Pricing.Of(product, new Variant(), Until).Minor, Is.EqualTo(89_999));
        Assert.That(Pricing.Of(product, own, Until).Minor, Is.EqualTo(9_000));
    }

    [Test, Description("CAT-08")]
    public void Price_AnyDiscount_IsTheExactOneWithinHalfAUnit() =>
        Prop.ForAll(
                Gen.Choose(1, 1_000_000_000).Zip(Gen.Choose(0, 10_000)).ToArbitrary(),
                pair =>
                {
                    var (minor, basisPoints) = pair;
                    var product = Discounted(basisPoints / 100.0);
                    product.Price.Amount.MinorUnits = minor;
                    var exact = (decimal)minor * (10_000 - basisPoints) / 10_000;
                    var price = Pricing.Of(product, Until).Minor;
                    return price - exact <= 0.5m && exact - price < 0.5m;
                }
            )
            .QuickCheckThrowOnFailure();

    [Test, Description("V9, CAT-03, CAT-08, CAT-14")]
    public async Task GetProduct_DiscountEndsWhileCached_ShowsTheFullPrice()
    {
        await using var mesh = await CatalogMesh.StartAsync(new CatalogSettings(ApprovesAtOnce: true));
        var until = mesh.Clock.GetUtcNow().AddSeconds(2);
        var product = Samples.Phone();
        product.Price.Discount = Discount(10, until);
        var active = await mesh.DraftAsync(product);
        Assert.That(active.Status, Is.EqualTo(ProductStatus.Active));
        // Its event makes the process forget the document once more.
        await mesh.ListedAsync(active);

        Assert.That(await PriceAsync(mesh, active), Is.EqualTo((89_999, 89_999)));
        mesh.Clock.AdvanceTo(until);
        Assert.That(await PriceAsync(mesh, active), Is.EqualTo((89_999, 89_999)));
        mesh.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await PriceAsync(mesh, active), Is.EqualTo((99_999, 99_999)));
        Assert.That(mesh.Get<Products>().Hits, Is.GreaterThanOrEqualTo(5));
    }

    private static async Task<(long Shown, long Offered)> PriceAsync(CatalogMesh mesh, Product product)
    {
        var shown = await mesh.GetAsync(product.ProductId);
        var offers = await mesh.As(TestCaller.Service("ordering"))
            .BatchGetOffersAsync(new BatchGetOffersRequest { Skus = { product.Variants[0].Sku } });
        return (shown.Price.DiscountedAmount.MinorUnits, offers.Offers.Single().UnitPrice.MinorUnits);
    }

    private static Product Discounted(double percent) =>
        new()
        {
            Price = new Price
            {
                Currency = "USD",
                Amount = Samples.Usd(99_999),
                Discount = Discount(percent, Until),
            },
        };

    private static Discount Discount(double percent, DateTimeOffset until) =>
        new()
        {
            Type = DiscountType.Percentage,
            Value = percent,
            ValidUntil = Timestamp.FromDateTimeOffset(until),
        };
}
