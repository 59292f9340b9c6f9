using Google.Protobuf.Collections;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>What a product must be, beyond what its contract's options already enforce.</summary>
internal static class ProductRules
{
    /// <summary>Most bytes of a document: a page of a list has to fit into one message.</summary>
    internal const int DocumentBytesMax = 1024 * 1024;

    private const int AmountMaxMajor = 10_000_000;
    private const int NameMax = 500;
    private const int BrandMax = 100;
    private const int SkuMax = 100;
    private const int AttributeMax = 100;
    private const int SpecificationKeyMax = 200;
    private const int SpecificationMax = 1000;

    // GET /products/{product_id} and /products/search share a path; the literal wins there, so no product
    // may want it.
    private static readonly string[] ReservedIds = ["search"];

    /// <summary>
    /// Refuses ids that are routes (K27). Others are not taken over, so they need no check.
    /// </summary>
    internal static void CheckIds(Product sent)
    {
        foreach (var (field, id) in new[] { ("product.product_id", sent.ProductId), ("product.id", sent.Id) })
        {
            if (ReservedIds.Contains(id, StringComparer.OrdinalIgnoreCase))
                throw Fault.InvalidArgument(Reason.ReservedId, field, $"must not be {id}");
        }
    }

    /// <summary>
    /// A copy of what a seller sent with its amounts resolved; INVALID_ARGUMENT with all that is wrong.
    /// </summary>
    internal static Product Checked(Product sent)
    {
        var findings = new Findings();
        var product = sent.Clone();
        findings.Add("product.name", Texts.NameProblem(product.Name, NameMax));
        findings.Add("product.description", Texts.ProseProblem(product.Description));
        findings.Add("product.brand", Texts.ValueProblem(product.Brand, BrandMax));
        for (var i = 0; i < product.Category.Count; i++)
            findings.Add($"product.category[{i}]", CategoryProblem(product.Category[i]));
        for (var i = 0; i < product.Images.Count; i++)
            findings.Add($"product.images[{i}]", Texts.ImageProblem(product.Images[i]));
        CheckFacts(
            product.Specifications,
            "product.specifications",
            (SpecificationKeyMax, SpecificationMax),
            findings
        );
        ResolvePrices(product, findings);
        CheckDiscount(product.Price.Discount, findings);
        CheckVariants(product.Variants, findings);
        if (product.CalculateSize() > DocumentBytesMax)
            findings.Add("product", $"must have at most {DocumentBytesMax} bytes");
        findings.ThrowIfAny();
        return product;
    }

    private static string? CategoryProblem(string part)
    {
        if (part.Contains(CategoryPath.Separator, StringComparison.Ordinal))
            return $"must not contain \"{CategoryPath.Separator}\"";
        if (part.Length > 0 && (char.IsWhiteSpace(part[0]) || char.IsWhiteSpace(part[^1])))
            return "must not start or end with a space";
        return Texts.NameProblem(part, CategoryPath.PartLengthMax);
    }

    private static void CheckFacts(
        MapField<string, string> facts,
        string field,
        (int Key, int Value) lengthMax,
        Findings findings
    )
    {
        foreach (var (name, value) in facts)
        {
            if (Texts.NameProblem(name, lengthMax.Key) is { } problem)
                findings.Add(field, $"must have names of which each {problem}");
            else
                findings.Add($"{field}.{name}", Texts.ValueProblem(value, lengthMax.Value));
        }
    }

    private static void ResolvePrices(Product product, Findings findings)
    {
        var price = product.Price;
        if (!Currency.IsKnown(price.Currency))
        {
            findings.Add("product.price.currency", "must be an ISO 4217 code such as USD");
            return;
        }
        var currency = Currency.Of(price.Currency);
        price.Amount = Resolve(price.Amount, "product.price.amount", currency, findings);
        for (var i = 0; i < product.Variants.Count; i++)
        {
            var variant = product.Variants[i];
            if (variant.Price is not null)
                variant.Price = Resolve(variant.Price, $"product.variants[{i}].price", currency, findings);
        }
    }

    private static Souk.Type.Money? Resolve(
        Souk.Type.Money sent,
        string field,
        Currency currency,
        Findings findings
    )
    {
        if (findings.ReadAmount(sent, field, currency) is not { } amount)
            return null;
        if (amount.Minor <= 0)
            findings.Add(field, "must be above zero");
        else if (amount.Minor > AmountMaxMajor * currency.Scale)
            findings.Add(field, $"must be at most {AmountMaxMajor}");
        return amount.ToProto();
    }

    private static void CheckDiscount(Discount? discount, Findings findings)
    {
        if (discount is null)
            return;
        if (discount.Type != DiscountType.Percentage)
            findings.Add("product.price.discount.type", "must be percentage");
        if (!double.IsFinite(discount.Value) || discount.Value is < 0 or > 100)
            findings.Add("product.price.discount.value", "must be from 0 to 100");
        else if (decimal.Round((decimal)discount.Value, 2) != (decimal)discount.Value)
            findings.Add("product.price.discount.value", "must have at most two decimals");
    }

    private static void CheckVariants(RepeatedField<Variant> variants, Findings findings)
    {
        var skus = new HashSet<string>(variants.Count);
        var combinations = new HashSet<string>(variants.Count);
        for (var i = 0; i < variants.Count; i++)
        {
            var field = $"product.variants[{i}]";
            if (!IsSku(variants[i].Sku))
                findings.Add($"{field}.sku", $"must be 1 to {SkuMax} of A-Z a-z 0-9 . _ -");
            else if (!skus.Add(variants[i].Sku))
                findings.AddDuplicate($"{field}.sku", "is the SKU of a variant before it");
            CheckFacts(variants[i].Attributes, $"{field}.attributes", (AttributeMax, AttributeMax), findings);
            if (!combinations.Add(Combination(variants[i].Attributes)))
                findings.AddDuplicate($"{field}.attributes", "are those of a variant before it");
        }
    }

    private static bool IsSku(string sku) =>
        sku.Length is > 0 and <= SkuMax
        && sku.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    // Names and values may hold any visible character, so the parts are told apart by one that is not.
    private static string Combination(MapField<string, string> attributes) =>
        string.Join(
            '\u001e',
            attributes
                .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => $"{pair.Key}\u001f{pair.Value}")
        );
}
