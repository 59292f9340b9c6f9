using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

/// <summary>
/// What a product may not be. Most rules are pure; those of the contract itself are asked through the RPC.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ProductRulesTests
{
    private const string Field = "INVALID_FIELD";

    [TestCase("product.name", "\u200bPhone")]
    [TestCase("product.name", "Phone\u0007")]
    [TestCase("product.name", "Pho\u202ene")]
    [TestCase("product.name", " \t ")]
    [TestCase("product.brand", "Tech\u200dBrand")]
    [TestCase("product.description", "line\nbreak\u0008")]
    [TestCase("product.category[0]", "Electronics/Phones")]
    [TestCase("product.category[0]", " Electronics")]
    [TestCase("product.category[0]", "")]
    [TestCase("product.images[0]", "http://images.example/a.jpg")]
    [TestCase("product.images[0]", "https://user:secret@images.example/a.jpg")]
    [TestCase("product.images[0]", "https://images.example/<script>")]
    [TestCase("product.images[0]", "javascript:alert(1)")]
    [TestCase("product.variants[0].sku", "")]
    [TestCase("product.variants[0].sku", "SKU 1")]
    [TestCase("product.variants[0].sku", "SKÜ-1")]
    [TestCase("product.price.currency", "XXX")]
    [TestCase("product.price.currency", "usd")]
    [TestCase("product.price.amount", "0")]
    [TestCase("product.price.amount", "-1")]
    [TestCase("product.price.amount", "10000000.01")]
    [TestCase("product.price.amount", "9.999")]
    [TestCase("product.price.amount", "1e3")]
    [Description("X-08")]
    public void Product_BadText_NamesTheField(string field, string text)
    {
        var failure = Refusal(product => Set(product, field, text));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, Field)));
        Assert.That(failure.Fields, Does.Contain(field));
    }

    [TestCase("Pläne & Wünsche <b>\"100 %\"</b> 手机 📱")]
    [TestCase("Robert'); drop table product;--")]
    [Description("X-08")]
    public void Product_OddButVisibleName_IsKeptAsItIs(string name)
    {
        var product = Samples.Phone();
        product.Name = product.Description = name;
        var kept = ProductRules.Checked(product);
        Assert.That((kept.Name, kept.Description), Is.EqualTo((name, name)));
    }

    [TestCase("JPY", "1000.5")]
    [TestCase("BHD", "1.2345")]
    [Description("X-08")]
    public void Price_MoreDecimalsThanItsCurrency_IsRefused(string currency, string amount) =>
        Assert.That(
            Refusal(product =>
            {
                product.Price = Samples.Price(amount);
                product.Price.Currency = currency;
            }).Fields,
            Is.EqualTo(new[] { "product.price.amount" })
        );

    [Test]
    public void VariantPrice_InAnotherCurrency_IsRefused() =>
        Assert.That(
            Refusal(product =>
                product.Variants[0].Price = new Souk.Type.Money { Currency = "EUR", MinorUnits = 1 }
            ).Fields,
            Is.EqualTo(new[] { "product.variants[0].price.currency" })
        );

    [TestCase(-0.01)]
    [TestCase(100.01)]
    [TestCase(12.345)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    [Description("CAT-08")]
    public void Discount_ValueOutOfRange_IsRefused(double value) =>
        Assert.That(
            Refusal(product => product.Price.Discount = Percent(value)).Fields,
            Is.EqualTo(new[] { "product.price.discount.value" })
        );

    [TestCase(0)]
    [TestCase(12.34)]
    [TestCase(100)]
    [Description("CAT-08")]
    public void Discount_ValueInRange_IsTaken(double value)
    {
        var product = Samples.Phone();
        product.Price.Discount = Percent(value);
        Assert.That(ProductRules.Checked(product).Price.Discount, Is.EqualTo(Percent(value)));
    }

    [Test, Description("CAT-08")]
    public async Task CreateProduct_DiscountUntilAnImpossibleInstant_FailsWithInvalidField()
    {
        var product = Samples.Phone();
        product.Price.Discount = Percent(10);
        product.Price.Discount.ValidUntil = new Timestamp { Seconds = long.MaxValue };
        var failure = await Failure.OfAsync(() => SharedCatalog.Mesh.DraftAsync(product));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, Field)));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "product.price.discount.valid_until" }));
    }

    [Test, Description("CAT-10")]
    public void Variants_SameAttributesInAnotherOrder_AreDuplicates()
    {
        var failure = Refusal(product =>
        {
            product.Variants.Clear();
            product.Variants.Add(
                new Variant { Sku = "A" }
                    .With("color", "Black")
                    .With("size", "L")
            );
            product.Variants.Add(
                new Variant { Sku = "B" }
                    .With("size", "L")
                    .With("color", "Black")
            );
        });
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "DUPLICATE_VARIANT")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "product.variants[1].attributes" }));
    }

    [Test, Description("CAT-10")]
    public void Variants_SameSku_AreDuplicates()
    {
        var failure = Refusal(product =>
            product.Variants.Add(new Variant { Sku = product.Variants[0].Sku }.With("color", "White"))
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "DUPLICATE_VARIANT")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "product.variants[1].sku" }));
    }

    [Test, Description("X-08")]
    public void Product_ManyMistakes_NamesThemTogether() =>
        Assert.That(
            Refusal(product =>
            {
                product.Name = "\u200b";
                product.Price.Amount = Samples.Usd(0);
                product.Variants[0].Sku = "?";
            }).Fields,
            Is.EqualTo(new[] { "product.name", "product.price.amount", "product.variants[0].sku" })
        );

    [Test]
    public void Product_LargerThanAMebibyte_IsRefused() =>
        Assert.That(
            Refusal(product =>
            {
                for (var i = 0; i < 1000; i++)
                {
                    var variant = new Variant { Sku = $"S{i}" };
                    for (var j = 0; j < 10; j++)
                        variant.Attributes[$"{j}"] = $"{i}".PadLeft(100, 'x');
                    product.Variants.Add(variant);
                }
            }).Fields,
            Is.EqualTo(new[] { "product" })
        );

    [TestCase("search")]
    [TestCase("SEARCH")]
    [Description("K27, V13")]
    public async Task CreateProduct_IdOfARoute_FailsWithReservedId(string id)
    {
        foreach (var field in new[] { "product_id", "id" })
        {
            var product = Samples.Phone();
            (field == "id" ? () => product.Id = id : (Action)(() => product.ProductId = id))();
            var failure = await Failure.OfAsync(() => SharedCatalog.Mesh.DraftAsync(product));
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "RESERVED_ID")));
            Assert.That(failure.Fields, Is.EqualTo(new[] { $"product.{field}" }));
        }
    }

    [Test, Description("X-08")]
    public async Task CreateProduct_MillionCharacterName_FailsWithInvalidField()
    {
        var product = Samples.Phone();
        product.Name = new string('x', 1_000_000);
        var failure = await Failure.OfAsync(() => SharedCatalog.Mesh.DraftAsync(product));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, Field)));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "product.name" }));
    }

    [Test, Description("X-08")]
    public async Task CreateProduct_Empty_NamesWhatIsRequired()
    {
        var failure = await Failure.OfAsync(() => SharedCatalog.Mesh.DraftAsync(new Product()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "FIELD_REQUIRED")));
        Assert.That(
            failure.Fields,
            Is.EquivalentTo(new[] { "product.name", "product.category", "product.price", "product.variants" })
        );
    }

    private static Discount Percent(double value) => new() { Type = DiscountType.Percentage, Value = value };

    private static Failure Refusal(Action<Product> spoil)
    {
        var product = Samples.Phone();
        spoil(product);
        var error = Assert.Throws<RpcException>(() => ProductRules.Checked(product))!;
        return Failure.Of(error);
    }

    private static void Set(Product product, string field, string text)
    {
        switch (field)
        {
            case "product.name":
                product.Name = text;
                break;
            case "product.brand":
                product.Brand = text;
                break;
            case "product.description":
                product.Description = text;
                break;
            case "product.category[0]":
                product.Category[0] = text;
                break;
            case "product.images[0]":
                product.Images[0] = text;
                break;
            case "product.variants[0].sku":
                product.Variants[0].Sku = text;
                break;
            case "product.price.currency":
                product.Price.Currency = text;
                break;
            default:
                product.Price = Samples.Price(text);
                break;
        }
    }
}
