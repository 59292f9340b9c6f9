using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Souk.Shared;
using Wire = Souk.Type.Money;

namespace Souk.Tests.Shared;

[Parallelizable(ParallelScope.All)]
internal sealed class MoneyTests
{
    private static readonly Currency Usd = Currency.Of("USD");

    [TestCase("12.34", "USD", 1234)]
    [TestCase("1234", "JPY", 1234)]
    [TestCase("1.234", "BHD", 1234)]
    [TestCase("-0.05", "USD", -5)]
    [TestCase("999.9", "USD", 99990)]
    [TestCase("0.0001", "CLF", 1)]
    [TestCase("92233720368547758.07", "USD", long.MaxValue)]
    [Description("V10")]
    public void TryParse_DecimalText_GivesMinorUnits(string text, string currency, long minor)
    {
        Assert.That(Money.TryParse(text, Currency.Of(currency), out var money), Is.True);
        Assert.That(money, Is.EqualTo(new Money(minor, Currency.Of(currency))));
    }

    [TestCase("1.005", "USD")]
    [TestCase("1.5", "JPY")]
    [TestCase("", "USD")]
    [TestCase("1e3", "USD")]
    [TestCase("1,000", "USD")]
    [TestCase(" 1", "USD")]
    [TestCase("NaN", "USD")]
    [TestCase("92233720368547758.08", "USD")]
    [TestCase("123456789012345678901", "JPY")]
    public void TryParse_NotAnAmount_IsRefused(string text, string currency) =>
        Assert.That(Money.TryParse(text, Currency.Of(currency), out _), Is.False);

    [TestCase(1234, "USD", "12.34")]
    [TestCase(1234, "JPY", "1234")]
    [TestCase(1234, "BHD", "1.234")]
    [TestCase(5, "USD", "0.05")]
    [TestCase(-5, "USD", "-0.05")]
    [TestCase(long.MinValue, "USD", "-92233720368547758.08")]
    public void ToDecimalText_MinorUnits_HasAllDecimals(long minor, string currency, string text) =>
        Assert.That(new Money(minor, Currency.Of(currency)).ToDecimalText(), Is.EqualTo(text));

    [Test]
    public void ToDecimalText_AnyAmount_ReadsBack() =>
        Prop.ForAll<long>(minor =>
                Money.TryParse(new Money(minor, Usd).ToDecimalText(), Usd, out var back)
                && back.Minor == minor
            )
            .QuickCheckThrowOnFailure();

    [Test]
    public void Allocate_AnyAmountAndWeights_PartsSumToTheWholeAndStayWithinOneUnit() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<long>(),
                ArbMap
                    .Default.GeneratorFor<NonNegativeInt[]>()
                    .Where(w => w.Sum(x => (long)x.Get) > 0)
                    .ToArbitrary(),
                (minor, weights) =>
                {
                    var whole = weights.Select(weight => (long)weight.Get).ToArray();
                    var parts = new Money(minor, Usd).Allocate(whole);
                    Int128 total = whole.Sum();
                    return parts.Sum(part => part.Minor) == minor
                        && parts
                            .Zip(whole)
                            .All(pair => IsNear(pair.First.Minor, (Int128)minor * pair.Second, total));
                }
            )
            .QuickCheckThrowOnFailure();

    [Test, Description("V7")]
    public void Allocate_TenOverFour_GivesTheRestToTheFirst() =>
        Assert.That(
            new Money(10, Usd).Allocate(1, 1, 1, 1).Select(part => part.Minor),
            Is.EqualTo(new long[] { 3, 3, 2, 2 })
        );

    [Test]
    public void Allocate_NoWeight_IsRefused() =>
        Assert.That(() => new Money(10, Usd).Allocate(0, 0), Throws.ArgumentException);

    [TestCase(25, Rounding.HalfUp, 3)]
    [TestCase(25, Rounding.HalfEven, 2)]
    [TestCase(35, Rounding.HalfEven, 4)]
    [TestCase(29, Rounding.Down, 2)]
    [TestCase(21, Rounding.Up, 3)]
    [TestCase(-25, Rounding.HalfUp, -3)]
    [TestCase(-29, Rounding.Down, -2)]
    [TestCase(-21, Rounding.Up, -3)]
    [TestCase(30, Rounding.Up, 3)]
    public void Percent_Ten_RoundsAsNamed(long minor, Rounding rounding, long expected) =>
        Assert.That(new Money(minor, Usd).Percent(10, rounding).Minor, Is.EqualTo(expected));

    [Test, Description("V1")]
    public void Percent_OfTheReferenceCart_GivesItsDiscountAndTax()
    {
        var subtotal = new Money(99_999, Usd) + (new Money(24_999, Usd) * 2);
        var discount = subtotal.Percent(10, Rounding.HalfUp);
        var tax = (subtotal - discount).Percent(8, Rounding.HalfUp);
        Assert.That((subtotal.Minor, discount.Minor, tax.Minor), Is.EqualTo((149_997, 15_000, 10_800)));
    }

    [Test]
    public void Add_OtherCurrency_BreaksAnInvariant() =>
        Assert.That(
            () => new Money(1, Usd) + new Money(1, Currency.Of("EUR")),
            Throws.InstanceOf<InvariantException>()
        );

    [Test]
    public void Add_Overflow_Throws() =>
        Assert.That(
            () => new Money(long.MaxValue, Usd) + new Money(1, Usd),
            Throws.InstanceOf<OverflowException>()
        );

    [Test]
    public void ConvertTo_OtherExponent_ScalesBetweenMinorUnits() =>
        Assert.That(
            new Money(1000, Usd).ConvertTo(Currency.Of("JPY"), 150, 1, Rounding.HalfUp),
            Is.EqualTo(new Money(1500, Currency.Of("JPY")))
        );

    [Test]
    public void FromProto_MinorUnits_AreTaken() =>
        Assert.That(
            Money.FromProto(new Wire { Currency = "USD", MinorUnits = 5 }, "price"),
            Is.EqualTo(new Money(5, Usd))
        );

    [Test]
    public void FromProto_PlainAmount_TakesTheContextsCurrency() =>
        Assert.That(
            Money.FromProto(new Wire { Amount = "999.99" }, "price", Usd),
            Is.EqualTo(new Money(99_999, Usd))
        );

    [TestCase("", 5, "", "price.currency")]
    [TestCase("XXX", 5, "", "price.currency")]
    [TestCase("EUR", 5, "", "price.currency")]
    [TestCase("USD", 0, "1.005", "price.amount")]
    [TestCase("USD", 5, "1.00", "price")]
    public void FromProto_Unusable_NamesTheField(string currency, long minor, string amount, string field)
    {
        var wire = new Wire
        {
            Currency = currency,
            MinorUnits = minor,
            Amount = amount,
        };
        var context = currency.Length == 0 ? null : Usd;
        var error = Assert.Throws<RpcException>(() => Money.FromProto(wire, "price", context));
        Assert.That(
            Fault.ViolationsOf(error!).Select(violation => violation.Field),
            Is.EqualTo(new[] { field })
        );
    }

    private static bool IsNear(long part, Int128 share, Int128 total) =>
        Int128.Abs((Int128)part * total - share) < total * 2;
}
